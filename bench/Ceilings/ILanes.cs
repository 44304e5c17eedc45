namespace AttnKernels.Bench.Ceilings;

/// <summary>One vector width, as the FMA probe needs it.</summary>
internal interface ILanes<TVector>
    where TVector : struct
{
    /// <summary>fp32 lanes of a vector.</summary>
    static abstract int Width { get; }

    /// <summary>All lanes equal.</summary>
    static abstract TVector Create(float value);

    /// <summary>a * b + c.</summary>
    static abstract TVector Fma(TVector a, TVector b, TVector c);

    /// <summary>The sum of all lanes.</summary>
    static abstract float Sum(TVector v);
}
