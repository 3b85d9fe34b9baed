namespace Microsoft.ML.Reversible;

/// <summary>What a stack gives as its output.</summary>
public enum ReadOut
{
    /// <summary>The last stream, p_L.</summary>
    Last,

    /// <summary>The mean of the last two, (p_{L-1} + p_L) / 2.</summary>
    Mean,
}
