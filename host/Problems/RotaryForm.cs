namespace AttnKernels;

/// <summary>
/// Rotary position embedding of Q and K while attention loads them: as <see cref="RotaryProblem"/> would turn them, in fp32 whatever their
/// type. Run receives the tables of angles. The position of a key is its index (in a ring, the number of keys written before it), that of a
/// query its aligned key's: see <see cref="BandAlignment"/>.
/// </summary>
/// <param name="RotaryDim">Elements of a row that turn, even; the rest stays.</param>
/// <param name="MaxPosition">Rows of the tables. A query whose position lies outside becomes NaN.</param>
/// <param name="Interleaved">True: pairs are neighbours (x0, x1), (x2, x3), ...; false: element k goes with element k + rotaryDim /
/// 2.</param>
/// <param name="Positions">Run receives the positions of queries and keys instead.</param>
public readonly record struct RotaryForm(int RotaryDim, int MaxPosition, bool Interleaved = false, bool Positions = false);
