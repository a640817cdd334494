"""The fault matrix: each row, and by which tests it is proved. `python -m bench faults` runs them and reports.

A row passes when every test that its proofs name ran and passed. One that is not built says why, and never passes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

KILLED = "tests/faults/matrix/test_killed.py::"
STORES = "tests/faults/matrix/test_stores.py::"
STOPS = "tests/faults/matrix/test_stops.py::"
CLOCKS = "tests/faults/matrix/test_clocks.py::"
SUBMITS = "tests/faults/matrix/test_submits.py::"
BINDS = "tests/faults/matrix/test_binds.py::"
RECEIPTS = "tests/faults/matrix/test_receipts.py::"
SOAK = "tests/faults/matrix/test_soak.py::"
EVIDENCE = "tests/delivery/test_evidence.py::"
SESSION = "tests/smpp/test_session.py::"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    name: str
    fault: str
    proofs: tuple[str, ...] = ()
    not_built: str = ""


def _row(number: int, fault: str, *proofs: str, not_built: str = "") -> Row:
    return Row(name=f"F{number}", fault=fault, proofs=proofs, not_built=not_built)


ROWS = (
    _row(
        1,
        "kill -9 of a dispatch process before its intent is committed",
        KILLED + "test_killed_before_its_intent_a_process_leaves_nobody_in_doubt",
    ),
    _row(
        2,
        "kill -9 after the intent is committed, before the first byte",
        KILLED + "test_killed_after_its_intent_and_before_the_first_byte_it_leaves_the_whole_batch_in_doubt",
    ),
    _row(
        3,
        "kill -9 after 1, B/2 and B submits of a batch are written",
        KILLED + "test_killed_while_it_writes_it_leaves_a_batch_in_doubt_and_receipts_resolve_what_was_taken",
    ),
    _row(
        4,
        "kill -9 after the answers, before the results are committed",
        KILLED + "test_killed_after_the_answers_and_before_they_are_stored_receipts_tell_what_was_taken",
    ),
    _row(
        5,
        "kill -9 of a dispatch process under load, and of a worker with its pool",
        KILLED + "test_killed_outright_a_process_is_followed_by_another_within_lease_and_tick",
        "tests/faults/test_killed_preparation.py::test_a_list_whose_worker_was_killed_is_begun_again_and_whole",
    ),
    _row(
        6,
        "SIGSTOP longer than the lease, then SIGCONT, at each point",
        KILLED + "test_a_zombie_sends_at_most_what_it_had_intended_and_is_then_refused",
    ),
    _row(
        7,
        "the same task delivered five times at once",
        KILLED + "test_the_same_doorbell_five_times_at_once_has_one_owner_in_one_epoch",
        EVIDENCE + "test_of_five_that_claim_a_chunk_at_once_one_gets_it",
    ),
    _row(
        8,
        "FLUSHALL in mid-run",
        STORES + "test_everything_in_valkey_deleted_changes_time_and_nothing_else",
        "tests/faults/test_broker.py::test_everything_in_redis_deleted_in_mid_campaign_changes_time_and_no_total",
    ),
    _row(
        9,
        "Valkey down for 20 s",
        STORES + "test_with_valkey_down_for_twenty_seconds_running_chunks_go_on",
    ),
    _row(
        10,
        "Valkey full, or with a policy that evicts",
        STORES + "test_no_worker_starts_on_a_valkey_that_evicts_and_a_full_one_stops_nothing_that_runs",
    ),
    _row(
        11,
        "PostgreSQL down for 30 s",
        STORES + "test_with_postgresql_down_for_thirty_seconds_nothing_is_sent_and_answers_are_kept",
    ),
    _row(
        12,
        "connection cut in the commit of an intent",
        STORES + "test_an_intent_whose_commit_is_in_doubt_is_not_sent",
    ),
    _row(
        13,
        "connection cut in the commit of results",
        STORES + "test_results_whose_commit_is_in_doubt_are_stored_once",
    ),
    _row(
        14,
        "deadlocks in 5 % of the transactions",
        STORES + "test_transactions_that_fail_by_deadlock_skip_nobody",
    ),
    _row(
        15,
        "commits of 2 s",
        STORES + "test_commits_of_two_seconds_slow_it_down_and_nobody_takes_a_chunk_over",
    ),
    _row(
        16,
        "PostgreSQL's disk is full",
        STORES + "test_a_full_disk_stops_it_with_an_incident_and_room_lets_it_go_on",
    ),
    _row(
        17,
        "restore of an older backup",
        STOPS + "test_after_a_restore_nothing_is_sent_until_it_is_released_and_nobody_gets_it_twice",
    ),
    _row(
        18,
        "a chunk that is missing, altered, truncated; a store that is away, refuses, says nothing",
        STORES + "test_nothing_of_a_damaged_chunk_is_ever_sent",
        STORES + "test_a_chunk_that_is_missing_is_an_incident_and_is_sent_once_it_is_back",
        "tests/config/test_storage.py::test_a_chunk_that_cannot_be_read_is_an_incident_and_is_tried_again",
        "tests/config/test_storage.py::test_a_due_campaign_waits_for_storage_and_does_not_hold_up_the_clock",
        "tests/delivery/test_chunk_files.py::test_a_damaged_chunk_is_neither_read_nor_kept",
    ),
    _row(
        19,
        "three beats and three clocks",
        CLOCKS + "test_three_beats_and_three_clocks_start_each_campaign_once",
        "tests/faults/test_two_clocks.py::test_two_beats_and_two_clocks_start_each_campaign_once",
    ),
    _row(
        20,
        "beats and clocks killed at the due second",
        CLOCKS + "test_when_a_clock_dies_at_the_minute_of_a_campaign_another_starts_it",
    ),
    _row(
        21,
        "the clock of one dispatch process is an hour wrong",
        CLOCKS + "test_a_dispatch_process_whose_clock_is_an_hour_wrong_sends_nothing_twice",
    ),
    _row(
        22,
        "both nights on which clocks are changed",
        "tests/faults/test_summer_time.py::test_a_campaign_on_such_a_night_starts_once_at_the_right_instant",
        "tests/faults/test_summer_time.py::test_a_time_that_is_none_or_two_is_refused",
    ),
    _row(
        23,
        "SIGTERM under load",
        KILLED + "test_asked_to_end_under_load_a_process_drains_its_window_and_leaves_nobody_in_doubt",
        "tests/faults/test_killed_dispatch.py::test_asked_to_end_it_drains_its_window_unbinds_and_leaves_nothing_in_doubt",
    ),
    _row(
        24,
        "a worker that consumes no more after a reconnect",
        STORES + "test_a_worker_that_hears_nothing_any_more_heals_or_says_so_within_a_minute_and_ends",
    ),
    _row(
        25,
        "cut after acceptance, before the answer",
        SUBMITS + "test_a_cut_between_acceptance_and_answer_is_in_doubt_until_its_receipt_and_nobody_gets_it_twice",
        RECEIPTS + "test_two_parts_of_one_message_are_one_recipient",
    ),
    _row(26, "cut after the answer", SUBMITS + "test_a_cut_after_an_answer_leaves_at_most_a_window_in_doubt"),
    _row(
        27,
        "no answer",
        SUBMITS + "test_silence_is_doubt_after_the_response_timeout_and_the_window_never_leaks",
    ),
    _row(28, "an answer after its timeout", SUBMITS + "test_an_answer_after_its_timeout_is_evidence"),
    _row(29, "answers out of order", SUBMITS + "test_answers_out_of_order_belong_to_their_sequence"),
    _row(
        30, "answers with unknown and repeated sequences", SUBMITS + "test_answers_that_nobody_asked_for_change_nothing"
    ),
    _row(
        31,
        "throttled, 0x58",
        SUBMITS + "test_a_throttling_carrier_slows_each_bind_and_accepts_everybody_once",
        "tests/delivery/test_links.py::test_a_throttled_bind_waits",
    ),
    _row(
        32,
        "queue full, 0x14, for one number and for many",
        SUBMITS + "test_one_numbers_full_queue_delays_no_other",
        SUBMITS + "test_a_carrier_whose_queues_are_full_gets_everybody_in_the_end",
    ),
    _row(33, "system errors, 0x08", SUBMITS + "test_system_errors_are_tried_five_times_more_at_most"),
    _row(34, "0x0B for some numbers", SUBMITS + "test_a_refused_number_fails_and_no_other"),
    _row(35, "0x0A for all", SUBMITS + "test_a_refused_sender_pauses_the_campaign_and_the_rest_stays_new"),
    _row(
        36,
        "the carrier's code for “no credit”",
        STOPS + "test_an_account_without_credit_pauses_the_campaign_and_a_resume_sends_the_rest",
    ),
    _row(
        37,
        "each code of the table once",
        SUBMITS + "test_each_code_once_has_the_effect_that_the_table_says",
        "tests/channels/test_answers.py::test_every_row_of_the_table_has_its_action",
        "tests/channels/test_answers.py::test_no_code_of_the_specification_is_missing_from_the_table",
    ),
    _row(
        38,
        "bind refused with 0x0D",
        BINDS + "test_a_bind_that_is_refused_for_the_moment_is_tried_again_after_longer_and_longer",
    ),
    _row(39, "wrong password, wrong system_id", BINDS + "test_a_wrong_password_or_name_is_tried_once_by_each_process"),
    _row(40, "bind refused with 0x05", BINDS + "test_a_carrier_with_too_many_sessions_is_left_alone_for_half_a_minute"),
    _row(
        41,
        "the carrier unbinds",
        BINDS + "test_a_carrier_that_unbinds_is_answered_and_bound_again",
        BINDS + "test_an_unbind_is_answered",
    ),
    _row(
        42,
        "generic_nack with our sequence, and with 0",
        SUBMITS + "test_a_nack_of_our_sequence_is_a_refusal_that_is_tried_again",
        SUBMITS + "test_a_nack_without_a_sequence_closes_the_link_with_at_most_a_window_in_doubt",
    ),
    _row(43, "a half-open link", BINDS + "test_a_half_open_link_is_given_up_within_forty_seconds"),
    _row(
        44,
        "pieces of 1 to 7 bytes, and many PDUs in one segment",
        BINDS + "test_bytes_in_pieces_of_one_to_seven_are_all_understood",
        BINDS + "test_a_burst_of_pdus_in_one_segment_is_all_understood",
    ),
    _row(
        45,
        "lengths 0, 15, 0x7fffffff, and HTTP",
        BINDS + "test_a_length_that_is_none_closes_the_session_takes_no_memory_and_the_next_goes_on",
        BINDS + "test_the_simulators_impossible_length_costs_one_session",
    ),
    _row(
        46,
        "damaged bodies and parameters in receipts",
        BINDS + "test_mutated_receipts_cost_themselves_and_later_ones_are_fine",
        SESSION + "test_a_hundred_thousand_damaged_streams_raise_only_our_own_errors",
        "tests/smpp/test_receipts.py::test_damage_never_raises",
    ),
    _row(
        47,
        "receipts before their answers",
        RECEIPTS + "test_receipts_before_their_answers_all_find_their_message",
    ),
    _row(
        48,
        "ids in every base, case and padding",
        RECEIPTS + "test_ids_are_the_same_message_in_every_base_case_and_padding",
    ),
    _row(
        49,
        "ids that are others' in another base",
        RECEIPTS + "test_ids_that_are_others_ids_in_another_base_are_told_apart_by_the_number",
    ),
    _row(
        50,
        "receipts twice, late, intermediate only",
        RECEIPTS + "test_receipts_that_repeat_or_come_too_late_never_take_a_state_back",
        EVIDENCE + "test_a_late_receipt_never_takes_a_delivery_back",
    ),
    _row(
        51,
        "a customer's text that pretends to be a receipt, keys in another order",
        RECEIPTS + "test_receipts_are_read_right_in_every_style_with_a_trap_in_each[variant]",
        "tests/smpp/test_receipts.py::test_what_follows_text_is_the_customers",
    ),
    _row(
        52,
        "parameters only, text only, both, both and unlike",
        *(
            RECEIPTS + f"test_receipts_are_read_right_in_every_style_with_a_trap_in_each[{style}]"
            for style in ("tlv", "text", "both", "unlike")
        ),
        "tests/smpp/test_receipts.py::test_parameters_win_over_the_text_and_the_conflict_shows",
    ),
    _row(
        53,
        "receipts on another bind, for another process' message",
        RECEIPTS + "test_receipts_on_another_bind_for_another_process_message_are_joined",
    ),
    _row(
        54,
        "lost receipts",
        RECEIPTS + "test_receipts_that_never_come_are_no_receipt_after_validity_and_grace",
    ),
    _row(
        55,
        "receipts for an unknown id",
        RECEIPTS + "test_a_receipt_for_an_id_that_nobody_knows_is_kept_acknowledged_and_joins_nothing",
        EVIDENCE + "test_a_receipt_of_one_channel_never_touches_a_message_of_another",
    ),
    _row(56, "a message from a phone", RECEIPTS + "test_a_message_from_a_phone_is_no_receipt"),
    _row(
        57,
        "the database is down while receipts come",
        RECEIPTS + "test_receipts_that_come_while_the_database_is_down_are_refused_and_come_again_and_none_is_lost",
    ),
    _row(
        58,
        "a flood of receipts after an outage",
        RECEIPTS + "test_a_flood_of_receipts_after_an_outage_keeps_the_session_up_and_the_memory_bounded",
    ),
    _row(59, "the window of the contract", SUBMITS + "test_the_window_of_the_contract_is_never_exceeded"),
    _row(
        60,
        "pause, cancel and emergency stop under load",
        STOPS + "test_an_emergency_stop_holds_every_process_and_a_release_lets_them_go_on",
        "tests/journeys/test_steering.py::test_a_pause_stops_within_two_seconds_a_resume_goes_on_and_a_cancel_counts_the_rest",
    ),
    _row(
        61,
        "opt-outs during the run",
        "tests/journeys/test_opt_outs.py::test_whoever_opts_out_while_the_campaign_runs_gets_nothing_and_the_totals_balance",
    ),
    _row(
        62,
        "cost limit reached in mid-chunk",
        STOPS + "test_at_the_limit_of_its_workspace_a_campaign_stops_to_the_part_and_goes_on_when_it_is_raised",
        "tests/delivery/test_spending.py::test_ten_campaigns_at_once_never_pass_the_limit",
    ),
    _row(
        63,
        "quiet hours begin in mid-run",
        STOPS + "test_when_its_hours_end_in_mid_run_a_campaign_stops_and_goes_on_with_the_next",
    ),
    _row(
        64,
        "TLS: wrong host, expired, self-signed, none",
        BINDS + "test_a_certificate_that_is_not_right_gets_no_bind_and_nothing_in_clear",
    ),
    _row(
        65,
        "a chunk that breaks its reader",
        STOPS + "test_a_chunk_that_breaks_its_reader_is_put_aside_and_the_others_go_on",
        "tests/delivery/test_quarantine.py::test_a_chunk_that_fails_five_times_is_put_aside_and_is_looked_at_no_more",
    ),
    _row(66, "everything at once, by chance", SOAK + "test_everything_at_once_for_minutes"),
)


def chosen(rows: Sequence[Row], names: str) -> tuple[Row, ...]:
    """`all`, or names between commas."""
    if names == "all":
        return tuple(rows)
    wanted = set(names.split(","))
    unknown = wanted - {row.name for row in rows}
    if unknown:
        raise ValueError(f"There is no row {', '.join(sorted(unknown))}.")
    return tuple(row for row in rows if row.name in wanted)
