"""The key of the keyed hashes: given, or made once and shared by every process."""

from __future__ import annotations

import hmac
import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.settings import Settings, SettingsError
from cds_service.store.keyed_hash import KEY_FILE, KeyedHash


def hashed(var_dir: Path, text: str = "patient") -> str:
    """What a process that starts with this folder makes of a text."""
    return KeyedHash.of(Settings(var_dir=var_dir)).of_parts(text)


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_only_equal_parts_have_equal_hashes(parts: list[str], others: list[str]) -> None:
    keyed = KeyedHash(b"k" * 32)
    assert (keyed.of_parts(*parts) == keyed.of_parts(*others)) is (parts == others)


@given(st.binary(max_size=200), st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_a_hash_is_the_hmac_of_the_standard_library(
    key: bytes, first: list[str], rest: list[str]
) -> None:
    parts = [part.encode("utf-8", "surrogatepass") for part in (*first, *rest)]
    whole = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    by_the_library = hmac.new(key, whole, "sha256").hexdigest()
    assert KeyedHash(key).after(*first).of_parts(*rest) == by_the_library


def test_another_key_makes_another_hash() -> None:
    assert KeyedHash(b"k" * 32).of_parts("a") != KeyedHash(b"j" * 32).of_parts("a")


def test_a_key_that_is_given_needs_no_file(tmp_path: Path) -> None:
    settings = Settings(var_dir=tmp_path / "var", hash_key="a secret that nobody else knows")
    same = KeyedHash(b"a secret that nobody else knows")

    assert KeyedHash.of(settings).of_parts("a") == same.of_parts("a")
    assert not (tmp_path / "var").exists()


def test_a_key_is_made_once_and_only_for_us(tmp_path: Path) -> None:
    var_dir = tmp_path / "deep" / "var"
    first = hashed(var_dir)

    assert stat.S_IMODE((var_dir / KEY_FILE).stat().st_mode) == 0o600
    assert len((var_dir / KEY_FILE).read_bytes()) == 32
    assert hashed(var_dir) == first


def test_two_installations_have_different_keys(tmp_path: Path) -> None:
    assert hashed(tmp_path / "one") != hashed(tmp_path / "other")


def test_processes_that_start_together_share_one_key(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as processes:
        found = set(processes.map(hashed, [tmp_path] * 12))
    assert len(found) == 1


def test_a_file_left_empty_by_a_crash_is_filled(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).touch()
    assert hashed(tmp_path) == hashed(tmp_path)
    assert len((tmp_path / KEY_FILE).read_bytes()) == 32


def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(SettingsError, match="is damaged: 5 bytes, fewer than 16; set CDS_HASH_KEY"):
        hashed(tmp_path)


def test_a_key_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).mkdir()
    with pytest.raises(SettingsError, match="cannot be read or made"):
        hashed(tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be read or made"):
        hashed(tmp_path / "file" / "var")
