//! The scenarios by what they are about, and the one list of their names.

pub(crate) mod builds;
pub(crate) mod containers;
pub(crate) mod errors;
pub(crate) mod images;
pub(crate) mod processes;

/// Hands every scenario's name to a macro.
macro_rules! every {
    ($then:ident) => {
        $then! {
            images: [
                an_import_is_an_image_with_its_changes,
                a_second_name_is_the_same_image,
                removing_a_name_keeps_the_image_while_another_is_left,
                removing_the_last_name_removes_the_image,
                a_saved_image_comes_back_by_load,
                several_images_share_one_archive,
                history_lists_the_newest_step_first,
                inspect_shows_what_the_config_says,
            ];
            builds: [
                a_build_copies_files_of_its_context,
                a_build_runs_commands,
                arguments_of_a_build_reach_its_commands,
                a_target_ends_the_build_at_its_stage,
                a_stage_gives_files_to_the_next,
                the_same_build_gives_the_same_image,
                without_the_cache_the_image_is_made_anew,
                a_step_that_fails_is_told_with_its_status,
                a_dockerfile_with_a_typo_is_told_with_its_line,
                a_file_that_is_not_in_the_context_is_named,
            ];
            containers: [
                a_created_container_waits_to_be_started,
                a_container_starts_and_ends_by_itself,
                a_stop_ends_it,
                a_kill_ends_it_with_the_signal,
                a_restart_runs_it_again,
                logs_keep_both_streams,
                inspect_shows_how_it_was_made,
                names_are_listed,
                a_container_of_remove_is_gone_at_its_end,
                a_running_container_is_removed_by_force,
                files_outlive_the_program_and_not_the_container,
                volumes_outlive_the_container,
                a_bind_mount_shows_the_hosts_files,
                exec_runs_beside_the_first_program,
                exec_has_its_own_environment_directory_and_user,
                exec_reads_standard_input,
            ];
            processes: [
                both_streams_are_kept_apart,
                the_status_is_the_programs,
                a_signal_is_128_more,
                bytes_come_as_they_were_written,
                standard_input_arrives_and_ends,
                the_environment_is_the_images_and_the_callers,
                the_working_directory_is_made,
                the_user_is_a_number_or_a_name,
                an_entrypoint_replaces_the_images,
                a_read_only_root_refuses_writes,
                a_long_output_is_whole,
            ];
            errors: [
                an_unknown_image_is_not_found,
                an_unknown_container_is_not_found,
                a_name_that_is_taken_is_a_conflict,
                a_running_container_is_not_removed,
                an_image_in_use_is_not_removed,
                exec_needs_a_running_container,
                a_bad_reference_is_refused,
                a_bad_container_name_is_refused,
                a_missing_program_is_not_found,
                a_program_that_is_no_program_cannot_be_executed,
                an_archive_that_is_none_is_refused,
                an_unknown_change_is_refused,
                an_unknown_user_is_refused,
            ];
        }
    };
}
pub(crate) use every;
