//! Templates and what they make, template by template.

use serde_json::{Value, json};

use super::*;

fn container() -> Row {
    let value = json!({
        "ID": "abc",
        "Names": "web",
        "Size": 7,
        "Running": true,
        "Config": {"Env": ["A=b", "C=d"], "Labels": {"a.b": "x", "c": "y"}, "Cmd": null},
        "State": {"Status": "running", "ExitCode": 0, "Health": null},
    });
    let labels = [("a.b".to_owned(), Value::from("x"))].into_iter().collect();
    Row { value, labels }
}

#[test]
fn templates() {
    for (template, expected) in [
        ("", ""),
        ("plain", "plain"),
        ("{{.ID}}", "abc"),
        ("{{ .ID }}:{{.Names}}", "abc:web"),
        ("{{.Config.Env}}", "[A=b C=d]"),
        ("{{.Config.Labels}}", "map[a.b:x c:y]"),
        ("{{.Config.Labels.c}}", "y"),
        ("{{.Config.Labels.none}}", "<no value>"),
        ("{{.State.Health.Status}}", "<no value>"),
        ("{{json .Config.Env}}", "[\"A=b\",\"C=d\"]"),
        ("{{json .ID}}", "\"abc\""),
        ("{{.Config.Env | json}}", "[\"A=b\",\"C=d\"]"),
        ("{{index .Config.Labels \"a.b\"}}", "x"),
        ("{{index .Config.Env 1}}", "C=d"),
        ("{{(index .Config.Env 0)}}", "A=b"),
        ("{{join .Config.Env \", \"}}", "A=b, C=d"),
        ("{{join .Config.Cmd \",\"}}", ""),
        ("{{len .Config.Env}}", "2"),
        ("{{range .Config.Env}}<{{.}}>{{end}}", "<A=b><C=d>"),
        ("{{range $i, $e := .Config.Env}}{{$i}}={{$e}};{{end}}", "0=A=b;1=C=d;"),
        ("{{range $k, $v := .Config.Labels}}{{$k}}={{$v}} {{end}}", "a.b=x c=y "),
        ("{{range .Config.Cmd}}x{{else}}none{{end}}", "none"),
        ("{{range .Config.Env}}{{$.ID}}{{end}}", "abcabc"),
        ("{{range .Config.Env}}{{println .}}{{end}}", "A=b\nC=d\n"),
        ("{{if .Running}}up{{else}}down{{end}}", "up"),
        ("{{if not .Running}}down{{else if eq .Size 7}}seven{{else}}?{{end}}", "seven"),
        ("{{if and .Running (gt .Size 3)}}big{{end}}", "big"),
        ("{{if or .Config.Cmd .ID}}one{{end}}", "one"),
        ("{{if eq .State.Status \"exited\" \"running\"}}y{{end}}", "y"),
        ("{{with .Config.Labels}}{{.c}}{{end}}", "y"),
        ("{{with .Config.Cmd}}x{{else}}-{{end}}", "-"),
        ("{{$x := .ID}}{{$x}}{{$x}}", "abcabc"),
        ("{{upper .Names}} {{lower \"ABC\"}} {{title \"a bc\"}}", "WEB abc A Bc"),
        ("{{.Names | upper | printf \"%5s|%-5s|\" \"x\"}}", "    x|WEB  |"),
        ("{{printf \"%s %d %v %q %%\" .ID .Size .Running .ID}}", "abc 7 true \"abc\" %"),
        ("{{printf \"%.2s\" .ID}}", "ab"),
        ("{{truncate .ID 2}}{{pad .ID 1 2}}|", "ab abc  |"),
        ("{{split \"a:b\" \":\"}}", "[a b]"),
        ("a {{- .ID -}} b", "aabcb"),
        ("a{{/* no */}}b{{- /* no */ -}} c", "abc"),
        ("{{`raw \\n`}}{{\"\\t|\"}}", "raw \\n\t|"),
        ("{{.Label \"a.b\"}}|{{.Label \"zz\"}}", "x|"),
        ("{{-3}} {{1.5}} {{true}}", "-3 1.5 true"),
        ("{{print 1 2 \"x\" 3}}", "1 2x3"),
        ("{{ne .ID \"x\"}} {{le 1 1}} {{lt \"a\" \"b\"}} {{ge 1 2}}", "true true true false"),
    ] {
        let made = Template::parse(template).and_then(|t| t.render(&container()));
        assert_eq!(made.as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn mistakes_are_named() {
    for (template, error) in [
        ("{{.ID", "{{ is not closed"),
        ("{{\"a}}", "a text in quotes is not closed"),
        ("{{`a}}", "a text in ` is not closed"),
        ("{{/* a}}", "a comment is not closed"),
        ("{{}}", "{{}} is empty"),
        ("{{(.ID}}", "( is not closed"),
        ("{{.ID)}}", "a ) has no ("),
        ("{{.ID | }}", "a value is missing"),
        ("{{if .ID}}x", "{{if}} has no {{end}}"),
        ("{{end}}", "{{end}} has nothing to end"),
        ("{{else}}", "{{else}} has no {{if}}"),
        ("{{if .ID}}{{else}}{{else}}{{end}}", "two {{else}}"),
        ("{{define \"x\"}}{{end}}", "{{define}} is not supported"),
        ("{{.Nope}}", "there is no field \"Nope\"; there are Config, ID"),
        ("{{.ID.Deep}}", "has no field \"Deep\""),
        ("{{html .ID}}", "there is no function \"html\""),
        ("{{$x}}", "the variable \"$x\" is not set"),
        ("{{index .Config.Env 5}}", "index: 5 is outside of a list of 2"),
        ("{{join .ID}}", "join: it cannot take these arguments"),
        ("{{len .Size}}", "len: it has no length"),
        ("{{eq .ID 1}}", "eq: the two cannot be compared"),
        ("{{printf \"%d\" .ID}}", "printf: %d cannot show \"abc\""),
        ("{{printf \"%s\"}}", "printf: %s has no value"),
        ("{{printf \"%99999999s\" .ID}}", "printf: %99999999s is not supported"),
        ("{{.ID .Names}}", "only a function takes arguments"),
        ("{{range .ID}}{{end}}", "{{range}} cannot go over \"abc\""),
        ("{{\"\\z\"}}", "the escape \\z is not supported"),
        ("{{#}}", "'#' stands in an action"),
        ("{{1x}}", "\"1x\" is not a number"),
        ("{{.Label}}", "Label: it takes the key of a label"),
    ] {
        let made = Template::parse(template).and_then(|t| t.render(&container()));
        let shown = made.unwrap_err().to_string();
        assert!(shown.starts_with("--format: ") && shown.contains(error), "{template}: {shown}");
    }
}

#[test]
fn deep_nesting_is_an_error() {
    for template in [
        format!("{{{{{}", "(".repeat(100_000)),
        "{{if 1}}".repeat(100_000),
        "{{if 1}}{{else if 1}}".repeat(50_000),
    ] {
        assert!(Template::parse(&template).is_err());
    }
}

#[test]
fn listings_have_titles_and_tabs() {
    let titles = Row::from(json!({"ID": "CONTAINER ID", "Names": "NAMES"}));
    let template =
        Template::parse_listing("{{upper .ID}}\\t{{.Names}}\\t{{.Label \"a\"}}").unwrap();
    assert_eq!(template.render_titles(&titles).unwrap(), "CONTAINER ID\tNAMES\ta");
}
