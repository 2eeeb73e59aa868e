"""Files of environment variables, and what systemd makes of the variable `A` in them.

None: it is not set. Of tests/test_env_file.py and, asked of a real systemd, of tests/machines.
"""

from __future__ import annotations

SAMPLES: tuple[tuple[str, str | None], ...] = (
    ("A=plain\n", "plain"),
    ("A=no newline at the end", "no newline at the end"),
    ("  A = around \n", "around"),
    ("A=\n", ""),
    ("A=\nB=2\n", ""),
    ("A\nB=2\n", None),
    ("A=one\nA=two\n", "two"),
    ("# A=comment\n", None),
    ("; A=comment\n", None),
    ("A=x # not a comment\n", "x # not a comment"),
    ("A=#x\n", "#x"),
    ("export A=x\n", None),
    ("A=windows\r\nB=2\r\n", "windows"),
    ('A="quoted"\n', "quoted"),
    ("A='quoted'\n", "quoted"),
    ('A="a b" \n', "a b"),
    ('A="a "  "b"\n', "a b"),
    ("A='a '\"b\"c\n", "a bc"),
    ("A=x\"y\"'z'\n", "x\"y\"'z'"),
    ('A="x" y "z"\n', 'xy "z"'),
    ('A="say \\"hi\\""\n', 'say "hi"'),
    ('A="a\\nb\\$c\\`d\\\\e"\n', "a\\nb$c`d\\e"),
    ("A='a\\nb'\n", "a\\nb"),
    ("A=a\\nb\\\\c\\ \n", "anb\\c "),
    ("A=one \\\n  two\n", "one   two"),
    ('A="one\\\ntwo"\n', "onetwo"),
    ("A='one\ntwo'\n", "one\ntwo"),
    ('A="one\ntwo"\n', "one\ntwo"),
    ('A="never closed\nB=2\n', "never closed\nB=2\n"),
    ("A=$HOME ${B} `c`\n", "$HOME ${B} `c`"),
    ("A=ü €\n", "ü €"),
    ("A=a=b=c\n", "a=b=c"),
)
