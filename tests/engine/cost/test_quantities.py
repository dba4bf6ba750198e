"""Amounts as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cost.quantities import bytes_in_words, in_words, parse_amount, parse_bytes, parse_milliseconds
from engine.errors import NascopeError


@pytest.mark.parametrize(
    ("text", "amount"),
    [("500M", 500_000_000), ("0.5G", 500_000_000), (" 500 m ", 500_000_000), ("528_359_040", 528_359_040),
     ("528,359,040", 528_359_040), ("5e8", 500_000_000), ("1.001G", 1_001_000_000), (".5k", 500), ("1", 1), ("1.5", 1),
     ("2B", 2_000_000_000), ("600.K", 600_000)],
)  # fmt: skip
def test_amounts_are_read(text, amount):
    assert parse_amount(text, "--budget") == amount


@pytest.mark.parametrize(
    "text",
    ["", "M", "-5M", "0", "0.0M", "1,5M", "5 Mio", "nan", "inf", "1e99", "1e999", "5T", "５M", "1__0", "9" * 400],
)
def test_other_texts_are_refused_by_name(text):
    with pytest.raises(NascopeError) as caught:
        parse_amount(text, "--budget")
    assert caught.value.where == "--budget"
    assert "500M" in str(caught.value)


@given(st.text(max_size=20))
def test_any_text_is_an_amount_or_a_clear_error(text):
    try:
        amount = parse_amount(text, "here")
    except NascopeError as error:
        amount = 1 if error.mend else 0
    assert amount >= 1


@given(st.integers(1, 10**15))
def test_plain_whole_numbers_are_taken_as_they_are(number):
    assert parse_amount(str(number), "here") == number


@given(st.integers(0, 10**12))
def test_words_are_within_half_of_their_last_digit(amount):
    digits, _, unit = in_words(amount).partition(" ")
    factor = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}[unit]
    decimals = len(digits.partition(".")[2])
    assert abs(float(digits) * factor - amount) <= 0.5001 * factor / 10**decimals
    assert len(digits) <= 6


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (3_349_342, "3.35 M"),
        (528_359_040, "528.4 M"),
        (0, "0"),
        (940, "940"),
        (999_999, "1.00 M"),
        (56_596_992, "56.60 M"),
    ],
)
def test_words(amount, words):
    assert in_words(amount) == words


@pytest.mark.parametrize(
    ("text", "amount"),
    [("8MiB", 8 * 2**20), ("1.5 gib", 3 * 2**29), ("500kB", 500_000), ("7B", 7), (".5KiB", 512), ("2GB", 2 * 10**9)],
)
def test_memory_is_read(text, amount):
    assert parse_bytes(text, "--memory") == amount


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("5ms", 5.0), ("0.5 s", 500.0), ("800us", 0.8), ("3µs", 0.003), ("1.25MS", 1.25)]
)
def test_times_are_read(text, milliseconds):
    assert parse_milliseconds(text, "--latency") == pytest.approx(milliseconds)


@pytest.mark.parametrize(
    "text", ["", "5", "MiB", "-1ms", "0ms", "0B", "5 Mio", "1e3ms", "nan ms", "inf s", "9" * 400 + "s", "٥ms"]
)
def test_amounts_without_a_unit_or_sense_are_refused_with_examples(text):
    for parse, example in ((parse_bytes, "8MiB"), (parse_milliseconds, "5ms")):
        with pytest.raises(NascopeError) as caught:
            parse(text, "--limit")
        assert caught.value.where == "--limit"
        assert example in str(caught.value)


@given(st.text(max_size=12))
def test_any_text_is_memory_and_time_or_a_clear_error(text):
    for parse in (parse_bytes, parse_milliseconds):
        try:
            amount = parse(text, "here")
        except NascopeError as error:
            amount = 1 if error.mend else 0
        assert amount > 0


@pytest.mark.parametrize(
    ("amount", "words"), [(940, "940 bytes"), (111_104, "108.5 KiB"), (8 * 2**20, "8.00 MiB"), (2**31, "2.00 GiB")]
)
def test_memory_in_words(amount, words):
    assert bytes_in_words(amount) == words
