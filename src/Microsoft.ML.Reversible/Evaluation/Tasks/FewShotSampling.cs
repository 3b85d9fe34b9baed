namespace Microsoft.ML.Reversible;

/// <summary>Which examples are put before a question.</summary>
public enum FewShotSampling
{
    /// <summary>The first ones, the same for every question.</summary>
    FirstN,

    /// <summary>Some drawn at random for each question; the seed and the question's row number decide which.</summary>
    Sampled,
}
