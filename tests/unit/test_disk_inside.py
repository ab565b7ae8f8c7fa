"""What `df` says inside a container becomes the readings of the disk."""

from leakdrill.meters.disk_inside import DiskInsideMeter, parse_df

SAID = b"""Filesystem     1024-blocks  Used Available Capacity Mounted on
tmpfs                65536 16384     49152      25% /data
"""


def test_df_is_read_in_bytes():
    assert DiskInsideMeter(lambda: SAID).read() == {
        "size_bytes": 64 << 20,
        "used_bytes": 16 << 20,
        "free_bytes": 48 << 20,
        "avail_bytes": 48 << 20,
    }


def test_what_is_no_line_of_df_is_no_reading():
    assert parse_df(b"") is None
    assert parse_df(b"df: /data: No such file or directory\n") is None
