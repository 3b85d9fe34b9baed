namespace Microsoft.ML.Reversible;

/// <summary>The numbers that the streams between the layers are made of.</summary>
public enum Arithmetic
{
    /// <summary>Floating point as the blocks give it; streams are rebuilt within rounding.</summary>
    Float,

    /// <summary>
    /// Multiples of a power of two, which are added without rounding: streams are rebuilt to the bit, and so are gradients wherever the
    /// blocks' operations repeat to the bit, in whatever precision they compute.
    /// </summary>
    Exact,
}
