"""Exact division and decimals for the pandas program: whole numbers, rounded once, half away from zero.

Belongs here: what floats cannot do.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd


def rounded(numerator: pd.Series, denominator: pd.Series) -> pd.Series:
    """The quotient of numbers that are not negative as a whole number; missing where either is, or nothing divides."""
    above, below = pd.Series(numerator).astype("Int64"), pd.Series(denominator).astype("Int64")
    below = below.where(below > 0)
    return (2 * above + below) // (2 * below)


def quotients(numerator: pd.Series, denominator: pd.Series | int) -> tuple[pd.Series, pd.Series]:
    """Quotients as a whole part and a fraction, which order and equal each other exactly.

    The fraction is a correctly rounded double: equal fractions give the same one, and others differ by more than
    its precision, since no denominator here comes near 2^26.
    """
    above = pd.Series(numerator).astype("Int64")
    below = pd.Series(denominator, index=above.index).astype("Int64")
    below = below.where(below > 0)
    whole = above // below
    part = (above - whole * below).astype("float64") / below.astype("float64")
    return whole, part


def decimals(scaled: pd.Series, places: int) -> pd.Series:
    """Whole numbers of the last place as decimals; each distinct one is made once."""
    codes, found = pd.factorize(scaled)
    made = np.array([*(Decimal(int(one)).scaleb(-places) for one in found), None], dtype=object)
    return pd.Series(made[codes], index=scaled.index)
