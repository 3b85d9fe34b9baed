namespace Microsoft.ML.Reversible;

/// <summary>The numbers that the hidden states between the layers are made of.</summary>
public enum Arithmetic
{
    /// <summary>Floating point, as the blocks return it; hidden states are rebuilt within rounding.</summary>
    Float,

    /// <summary>
    /// Multiples of a power of two, whose sums are exact. Hidden states are rebuilt to the bit. Gradients equal those of the stored mode to
    /// the bit if the blocks' operations give the same bits every time; the blocks may compute in any precision.
    /// </summary>
    Exact,
}
