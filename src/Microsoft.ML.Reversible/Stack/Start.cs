namespace Microsoft.ML.Reversible;

/// <summary>How the first layer, which has no stream before its own, is taken.</summary>
public enum Start
{
    /// <summary>The input stands for the missing stream: p₋₁ = p₀.</summary>
    Repeat,

    /// <summary>A step of forward Euler: p₁ = p₀ + f(p₀).</summary>
    Euler,
}
