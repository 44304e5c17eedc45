namespace AttnKernels;

/// <summary>How a query and a key are compared.</summary>
public enum Similarity
{
    /// <summary>q k.</summary>
    DotProduct,

    /// <summary>
    /// q k / (|q| |k|), 0 where one of them is zero: the cosine of their angle (Swin V2; query-key normalisation). The factor is then a
    /// learned one: <see cref="AttentionProblem.Scale"/> is 1 unless it is given, and <see cref="ScoreProblem.HeadScales"/> gives one for
    /// each head.
    /// </summary>
    Cosine,
}
