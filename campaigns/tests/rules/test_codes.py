"""How codes look and how typed ones are read."""

import collections
import os
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from campaigns.rules import codes
from campaigns.rules.codes import ALPHABET, CHARACTERS, LOOK_ALIKES, SPARE, Shape, check_character, draw, faults_of, normalise

even_alphabets = st.sets(st.sampled_from(CHARACTERS), min_size=10).map(sorted).map("".join).filter(lambda a: len(a) % 2 == 0)


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    prefix = draw(st.text("ABCXYZ019_", max_size=8))
    groups = draw(st.lists(st.integers(1, 6).map(lambda n: "#" * n), min_size=2, max_size=5))
    separator = draw(st.sampled_from(["", "-", " "]))
    return Shape(separator.join([prefix, *groups] if prefix else groups), draw(even_alphabets), draw(st.booleans()))


@given(shapes(), st.binary(min_size=32, max_size=32))
def test_a_code_typed_as_printed_is_read_as_it_was_made(shape: Shape, seed: bytes) -> None:
    (code,) = draw(shape, lambda n: (seed * (n // 32 + 1))[:n], 1)
    reading = shape.read(code)
    assert reading is not None
    assert reading.text == normalise(code)
    assert len(normalise(code)) == len(shape.cells)


@given(shapes(), st.binary(min_size=32, max_size=32), st.data())
def test_case_spaces_and_dashes_make_no_difference(shape: Shape, seed: bytes, data: st.DataObject) -> None:
    (code,) = draw(shape, lambda n: (seed * (n // 32 + 1))[:n], 1)
    noise = data.draw(st.lists(st.sampled_from(["", " ", "-", "–", "\u00a0", "."]), min_size=len(code), max_size=len(code)))
    typed = "".join(c.lower() + extra for c, extra in zip(code, noise, strict=True))
    assert normalise(typed) == normalise(code)


@given(even_alphabets, st.integers(1, 100), st.integers(4, 10))
def test_the_codes_of_a_batch_differ(alphabet: str, count: int, drawn: int) -> None:
    shape = Shape("#" * drawn, alphabet)
    found = list(draw(shape, os.urandom, count))
    assert len(found) == len(set(found)) <= count
    assert all(set(code) <= set(alphabet) for code in found)


def test_repeated_randomness_gives_no_repeated_code() -> None:
    assert len(list(draw(Shape("####"), lambda n: bytes(n), 50))) == 1


def test_every_character_is_as_likely_as_the_others() -> None:
    letters = codes.letters_from(os.urandom(1_000_000), ALPHABET)
    counts = collections.Counter(letters)
    mean = len(letters) / len(ALPHABET)
    assert set(counts) == set(ALPHABET.encode())
    # χ² with 23 degrees of freedom is above 66 once in 200,000 runs.
    assert sum((count - mean) ** 2 / mean for count in counts.values()) < 66
    assert len(letters) == pytest.approx(1_000_000 * 240 / 256, rel=0.01)


@given(shapes())
def test_capacity_is_what_the_drawn_characters_allow(shape: Shape) -> None:
    assert shape.capacity == len(shape.alphabet) ** (shape.pattern.count("#") - shape.has_check)


# --- Check character -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letters", "alphabet", "expected"),
    [
        # Published examples: ISO/IEC 7064 MOD 11,10 (also the German tax number's), and the GRid standard's MOD 37,36.
        ("079", string.digits, "2"),
        ("8609574271", string.digits, "9"),
        ("A12425GABC1234002", CHARACTERS, "M"),
    ],
)
def test_the_check_character_is_that_of_the_standard(letters: str, alphabet: str, expected: str) -> None:
    assert check_character(letters, alphabet) == expected


@given(even_alphabets, st.data())
def test_every_single_wrong_character_is_noticed(alphabet: str, data: st.DataObject) -> None:
    shape = Shape("#" * 9, alphabet, has_check=True)
    letters = data.draw(st.text(alphabet, min_size=8, max_size=8))
    code = shape.fill(letters)
    place, wrong = data.draw(st.integers(0, 8)), data.draw(st.sampled_from(alphabet))
    assume(code[place] != wrong)
    reading = shape.read(code[:place] + wrong + code[place + 1 :])
    assert reading is not None
    assert reading.is_mistyped


def test_nearly_all_swaps_of_neighbours_are_noticed() -> None:
    shape, swapped, missed = Shape("#" * 9, has_check=True), 0, 0
    for code in draw(shape, os.urandom, 2_000):
        for i in range(8):
            if code[i] != code[i + 1]:
                reading = shape.read(code[:i] + code[i + 1] + code[i] + code[i + 2 :])
                swapped += 1
                missed += reading is not None and not reading.is_mistyped
    assert missed / swapped < 0.02


# --- Look-alikes ---------------------------------------------------------------------------------------------------------


def test_the_usual_alphabet_has_at_most_one_of_those_that_look_alike() -> None:
    assert all(len(set(group) & set(ALPHABET)) <= 1 for group in LOOK_ALIKES)


@pytest.mark.parametrize(
    ("shape", "typed", "meant"),
    [
        (Shape("####"), "ACUD", "ACVD"),
        (Shape("SUMMER-####"), "5UMMER acde", "SUMMERACDE"),
        (Shape("SUMMER-####"), "SVMMER ACDE", "SUMMERACDE"),
        (Shape("####", "0123456789ABCDEF"), "oilf", "011F"),
        (Shape("####", "0123456789"), "SZBO", "5280"),
        # Nothing that looks like it occurs: it is recognised as mistyped instead.
        (Shape("####"), "AC0D", ""),
        (Shape("####"), "AC1D", ""),
    ],
)
def test_look_alikes_are_put_right_or_recognised(shape: Shape, typed: str, meant: str) -> None:
    reading = shape.read(typed)
    assert reading is not None
    assert (reading.text, reading.is_mistyped) == (meant, not meant)


@pytest.mark.parametrize("typed", ["", "ACD", "ACDEF", "WINTERACDE", "🎁🎁🎁🎁"])
def test_what_has_another_shape_is_not_read(typed: str) -> None:
    assert Shape("SUMMER-####").read(typed) is None


# --- Refused when asked for ----------------------------------------------------------------------------------------------


@given(st.integers(1, codes.MOST), st.integers(1, 20), even_alphabets, st.booleans())
def test_a_shape_that_is_accepted_has_a_million_spare_codes_for_each(
    count: int, length: int, alphabet: str, has_check: bool
) -> None:
    shape = Shape("#" * length, alphabet, has_check)
    faults = faults_of(shape, count)
    enough = shape.capacity - count >= count * SPARE
    assert [fault.pointer for fault in faults] == ([] if enough else ["/pattern"])
    assert not enough or shape.guesses(count) > SPARE


def test_too_short_a_pattern_is_told_how_many_more_it_needs() -> None:
    (fault,) = faults_of(Shape("SUMMER-####"), 1_000_000)
    assert (fault.pointer, fault.code) == ("/pattern", "too-few-codes")
    assert fault.detail.endswith("add 5 more #.")
    assert faults_of(Shape("SUMMER-####-#####"), 1_000_000) == []


@pytest.mark.parametrize(
    ("shape", "count", "pointer", "code"),
    [
        (Shape("#" * 12), 0, "/count", "out-of-range"),
        (Shape("#" * 20), codes.MOST + 1, "/count", "out-of-range"),
        (Shape("#" * 12, "ABC"), 1, "/alphabet", "bad-alphabet"),
        (Shape("#" * 12, "AABBCCDDEEFFGG"), 1, "/alphabet", "bad-alphabet"),
        (Shape("#" * 12, "ABCDEFGHIJ#"), 1, "/alphabet", "bad-alphabet"),
        (Shape("#" * 12, "ABCDEFGHIJK", True), 1, "/alphabet", "odd-alphabet"),
        (Shape("SUMMER"), 1, "/pattern", "bad-pattern"),
        (Shape("SÜMMER-########"), 1, "/pattern", "bad-pattern"),
        (Shape("#" * 65), 1, "/pattern", "bad-pattern"),
    ],
)
def test_what_cannot_be_made_is_refused_with_its_pointer(shape: Shape, count: int, pointer: str, code: str) -> None:
    assert (pointer, code) in [(fault.pointer, fault.code) for fault in faults_of(shape, count)]


@given(st.integers(1, 30), st.text(string.ascii_uppercase, max_size=8))
def test_prefix_and_length_make_a_pattern(length: int, prefix: str) -> None:
    pattern = codes.pattern_of(prefix, length)
    assert pattern.count("#") == length
    assert pattern.startswith(prefix)


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("SAVE-2026-AB", ""), ("save 2026 ab", ""), ("", "empty"), ("   ", "empty"), ("AB12", "too-short"),
        ("A" * 65, "too-long"), ("☃☃☃☃☃☃☃", "bad-characters"), ("ÄÖÜÄÖÜÄ", "bad-characters"), ("CODE<1234>", "bad-characters"),
        ("CODE\x001234", "bad-characters"),
    ],
)  # fmt: skip
def test_why_a_code_of_another_system_is_not_taken(typed: str, fault: str) -> None:
    assert codes.fault_of_imported(typed) == fault


# --- Reading -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("save-10", "SAVE10"), (" Save 10 ", "SAVE10"), ("black_friday", "BLACK_FRIDAY"), ("ＳＡＶＥ", "SAVE"),
        ("ACDE–FGHJ—KMNP", "ACDEFGHJKMNP"), ("", ""), ("-- --", ""), ("été", "ÉTÉ"),
    ],
)  # fmt: skip
def test_a_code_is_read_whatever_its_dashes_and_capitals(typed: str, read: str) -> None:
    assert normalise(typed) == read


def test_what_is_absurdly_long_is_no_code() -> None:
    assert normalise("a" * codes.LONGEST) == "A" * codes.LONGEST
    assert normalise("a" * (codes.LONGEST + 1)) == ""
    # dashes do not count, within four times the length; what comes after that is not looked at
    assert normalise("-" * (4 * codes.LONGEST - 1) + "ab") == "A"


def test_a_code_is_spelled_in_groups_of_four() -> None:
    assert codes.spell(bytes(range(codes.LENGTH))) == "3467-9ACD-EFGH"
    assert codes.spell(bytes(range(len(ALPHABET), len(ALPHABET) + codes.LENGTH))) == "3467-9ACD-EFGH"
    # of 256 bytes the last 16 have no full round of 24 letters: 239 is the last that counts, a Y
    assert codes.spell(bytes([240, 255, 239, *range(codes.LENGTH)])) == "Y346-79AC-DEFG"


def test_too_few_random_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^not enough random bytes$"):
        codes.spell(bytes([255] * 50 + list(range(codes.LENGTH - 1))))
    assert len(codes.spell(bytes([255] * 50 + list(range(codes.LENGTH))))) == 14


@pytest.mark.parametrize(
    ("shape", "letters", "printed"),
    [
        (Shape("SUMMER-####"), "ACDE", "SUMMER-ACDE"),
        (Shape("## ##", "0123456789"), "1234", "12 34"),
        (Shape("#-##", "0123456789", has_check=True), "07", "0-7" + check_character("07", "0123456789")),
    ],
)
def test_a_pattern_is_filled_with_the_drawn_characters(shape: Shape, letters: str, printed: str) -> None:
    assert shape.fill(letters) == printed


@pytest.mark.parametrize(("count", "guesses"), [(0, 1_000), (1, 1_000), (3, 333), (1_000, 1), (1_001, 0)])
def test_how_many_guesses_find_a_code(count: int, guesses: int) -> None:
    assert Shape("###", "0123456789").guesses(count) == guesses
    assert isinstance(Shape("###", "0123456789").guesses(count), int)


@pytest.mark.parametrize(
    ("prefix", "pattern"), [("", "####-##"), (" ab- ", "AB-####-##"), ("-ab", "-AB-####-##"), ("a-b", "A-B-####-##")]
)
def test_a_prefix_stands_before_groups_of_four(prefix: str, pattern: str) -> None:
    assert codes.pattern_of(prefix, 6) == pattern


def test_a_character_that_could_be_several_makes_the_whole_mistyped() -> None:
    # 1 may have been meant as I or L, which are both in the alphabet; what follows is readable.
    assert Shape("##", "ILACDEFGHJ").read("1A") == codes.Reading("")


@pytest.mark.parametrize(
    ("shape", "count", "sentence"),
    [
        (Shape("#" * 12), 0, "From 1 to 10,000,000 codes."),
        (Shape("#" * 12, "ABC"), 1, "At least 10 different letters A to Z and digits."),
        (Shape("#" * 12, "ABCDEFGHIJK", True), 1, "With a check character it needs an even number of characters."),
        (Shape("x"), 1, "At most 64 letters A to Z, digits, _, - and spaces, with # for each character drawn by chance."),
    ],
)
def test_why_a_batch_cannot_be_made_in_words(shape: Shape, count: int, sentence: str) -> None:
    assert [fault.detail for fault in faults_of(shape, count)] == [sentence]


def test_bounds_of_a_batch() -> None:
    assert faults_of(Shape("#" * 64), codes.MOST) == []
    assert faults_of(Shape("#" * 20, CHARACTERS), 1) == []
    # 100 codes and a million spare ones for each are 100,000,100: eight digits are a hundred too few, and 10^8 is not enough.
    digits = "0123456789"
    assert [fault.code for fault in faults_of(Shape("#" * 8, digits), 100)] == ["too-few-codes"]
    assert faults_of(Shape("#" * 8, digits), 99) == []
    assert "add 1 more #." in faults_of(Shape("#" * 8, digits), 100)[0].detail


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("A" * 6, ""),
        ("A" * 5, "too-short"),
        ("A" * 64, ""),
        ("A" * 65, "too-long"),
        ("-" * 60 + "AAAAAA" + "-" * 62, ""),
        ("-" * 61 + "AAAAAA" + "-" * 62, "too-long"),
        ("AAAAAAX", ""),
        ("AAAAAA+", "bad-characters"),
        ("AAA_A-A ./", ""),
    ],
)
def test_bounds_of_imported_codes(typed: str, fault: str) -> None:
    assert codes.fault_of_imported(typed) == fault
