namespace AttnKernels;

/// <summary>
/// Sequences of different lengths one after the other on one axis, without padding in memory: those of batch entry b are the rows
/// StartsQ[b] .. StartsQ[b + 1] - 1 of Q (1, headsQ, totalQ, headDim), O and LSE, and StartsKv[b] .. StartsKv[b + 1] - 1 of K and V (1,
/// headsKv, totalKv, ..).
/// </summary>
/// <param name="TotalQ">Rows of Q, O and LSE; at least the longest sequence's.</param>
/// <param name="TotalKv">Rows of K and V; null: only the queries are packed, and K and V lie as <see cref="AttentionProblem.Kv"/>
/// says.</param>
public readonly record struct PackedSequences(int TotalQ, int? TotalKv);
