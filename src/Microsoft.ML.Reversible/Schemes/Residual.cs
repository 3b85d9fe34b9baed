using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

public abstract partial record Scheme
{
    /// <summary>The standard residual network, p⁺ = p + f(p): the baseline, which is not reversible.</summary>
    public static Scheme Residual { get; } = new Residual();
}

/// <summary>
/// The standard residual network (forward Euler):
/// <code>
///     p⁺ = p + f(p)
/// </code>
/// It has no inverse in closed form: the equation does not contain p⁻.
/// </summary>
public sealed record Residual : Scheme
{
    /// <inheritdoc/>
    public override string Name => "residual";

    internal override bool IsResidualAtInference => true;

    private protected override string? WhyUnused(Arithmetic arithmetic) =>
        Start == Start.Repeat ? null : "start has no effect: every layer is p + f(p). Leave it out, or use another scheme.";

    /// <inheritdoc/>
    public override Coefficients At(int layer) => new(0, 1, 1);
}
