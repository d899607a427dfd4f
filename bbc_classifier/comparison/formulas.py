"""The formulas behind the report's figures, as MathML, which browsers typeset themselves."""

from html import escape


def formulas() -> str:
    """Return the formulas as HTML, each with its name."""
    return "\n".join(
        f'<div class="formula"><span>{escape(name)}</span><math display="block">{body}</math></div>'
        for name, body in FORMULAS.items()
    )


def _i(name: str) -> str:
    return f"<mi>{name}</mi>"


def _o(sign: str) -> str:
    return f"<mo>{sign}</mo>"


def _n(number: str) -> str:
    return f"<mn>{number}</mn>"


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def _over(above: str, below: str) -> str:
    return f"<mfrac>{above}{below}</mfrac>"


def _sub(base: str, index: str) -> str:
    return f"<msub>{base}{index}</msub>"


def _sup(base: str, exponent: str) -> str:
    return f"<msup>{base}{exponent}</msup>"


def _sum(index: str) -> str:
    return f"<munder>{_o('∑')}{index}</munder>"


def _text(words: str) -> str:
    return f"<mtext>{words}</mtext>"


TP, FP, FN = _i("TP"), _i("FP"), _i("FN")
P_TRUE = _sub(_i("p"), _row(_i("i"), _o(","), _sub(_i("y"), _i("i"))))
P_K = _sub(_i("p"), _row(_i("i"), _o(","), _i("k")))
Y_K = _sub(_i("y"), _row(_i("i"), _o(","), _i("k")))
MEAN = _over(_n("1"), _i("n"))
HALF_Z = _over(_sup(_i("z"), _n("2")), _row(_n("2"), _i("n")))
SPREAD = _row(
    _over(_row(_i("p"), _o("("), _n("1"), _o("−"), _i("p"), _o(")")), _i("n")),
    _o("+"),
    _over(_sup(_i("z"), _n("2")), _row(_n("4"), _sup(_i("n"), _n("2")))),
)
FORMULAS = {
    "Accuracy": _row(_over(_row(_sum(_i("c")), _sub(TP, _i("c"))), _i("n"))),
    "Precision of a class": _over(TP, _row(TP, _o("+"), FP)),
    "Recall of a class": _over(TP, _row(TP, _o("+"), FN)),
    "F1 of a class": _over(_row(_n("2"), TP), _row(_n("2"), TP, _o("+"), FP, _o("+"), FN)),
    "Macro average over K classes": _row(_over(_n("1"), _i("K")), _sum(_i("c")), _sub(_text("score"), _i("c"))),
    "Log loss": _row(_o("−"), MEAN, _sum(_i("i")), _i("ln"), P_TRUE),
    "Brier score": _row(MEAN, _sum(_i("i")), _sum(_i("k")), _sup(_row(_o("("), P_K, _o("−"), Y_K, _o(")")), _n("2"))),
    "Expected calibration error (ECE), over bins B of confidence": _row(
        _sum(_i("B")),
        _over(_row(_o("|"), _i("B"), _o("|")), _i("n")),
        _o("|"),
        _text("accuracy"),
        _o("("),
        _i("B"),
        _o(")"),
        _o("−"),
        _text("confidence"),
        _o("("),
        _i("B"),
        _o(")"),
        _o("|"),
    ),
    "Wilson interval of a share p, z = 1.96": _over(
        _row(_i("p"), _o("+"), HALF_Z, _o("±"), _i("z"), f"<msqrt>{SPREAD}</msqrt>"),
        _row(_n("1"), _o("+"), _over(_sup(_i("z"), _n("2")), _i("n"))),
    ),
    "Sign-flip p-value, over signs s of n differences d": _row(
        _text("P"),
        _o("("),
        _o("|"),
        _sum(_i("i")),
        _sub(_i("s"), _i("i")),
        _sub(_i("d"), _i("i")),
        _o("|"),
        _o("≥"),
        _o("|"),
        _sum(_i("i")),
        _sub(_i("d"), _i("i")),
        _o("|"),
        _o(")"),
    ),
}
