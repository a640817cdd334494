"""What must hold over several hosts: each row, and by which test it is proved. `python -m bench fleet` runs them."""

from tests.faults.rows import Row

TESTS = "tests/faults/fleet/test_fleet.py::"


def _row(number: int, fault: str, test: str) -> Row:
    return Row(name=f"H{number}", fault=fault, proofs=(TESTS + test,))


ROWS = (
    _row(1, "two hosts share a channel's rate", "test_the_rate_of_a_channel_holds_over_all_hosts"),
    _row(
        2,
        "a host cut off in mid-campaign, and returned",
        "test_a_host_that_is_cut_off_is_followed_by_the_other_and_works_on_when_it_is_back",
    ),
    _row(
        3,
        "a host cut off inside a transaction",
        "test_what_a_host_has_locked_is_free_again_soon_after_it_was_cut_off",
    ),
    _row(
        4,
        "rolling restart of every host under load",
        "test_a_rolling_restart_of_all_hosts_under_load_leaves_nobody_in_doubt",
    ),
    _row(5, "Valkey restarted and emptied", "test_a_valkey_that_comes_back_empty_changes_time_and_nothing_else"),
    _row(6, "PostgreSQL restarted", "test_a_restart_of_postgresql_stops_it_and_nobody_is_lost_or_doubled"),
    _row(
        7,
        "the host of the stores cut off",
        "test_while_the_store_host_is_cut_off_nothing_new_is_sent_and_then_it_goes_on",
    ),
    _row(8, "the host of the pages cut off", "test_without_the_host_of_the_pages_sending_goes_on"),
    _row(9, "S3 gone for a while", "test_without_s3_what_was_read_is_sent_and_the_rest_waits_for_it"),
    _row(
        10,
        "RabbitMQ instead of Valkey as broker, restarted",
        "test_with_rabbitmq_as_the_broker_all_is_sent_and_its_restart_changes_time_and_nothing_else",
    ),
)
