using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

public abstract partial record Scheme
{
    /// <summary>The standard residual network, p⁺ = p + f(p): the baseline, and not reversible.</summary>
    public static Scheme Residual { get; } = new Residual();
}

/// <summary>
/// The standard residual network (forward Euler):
/// <code>
///     p⁺ = p + f(p)
/// </code>
/// It has no inverse in closed form: p⁺ holds no trace of p⁻ to solve for.
/// </summary>
public sealed record Residual : Scheme
{
    /// <inheritdoc/>
    public override string Name => "residual";

    /// <inheritdoc/>
    public override bool IsReversible => false;

    /// <inheritdoc/>
    public override bool CanBeExact => true;

    internal override Tensor Forward(Layer at, Tensor previous, Tensor current, Tensor f) => current + at.Round(f);

    internal override Tensor Inverse(Layer at, Tensor current, Tensor next, Tensor f) =>
        throw new NotSupportedException("The residual scheme keeps no earlier stream to solve for: it has no inverse in closed form.");

    internal override Tensor AdjointOfF(Layer at, Tensor gradient) => gradient;

    internal override (Tensor? OfPrevious, Tensor? OfCurrent) Adjoint(Layer at, Tensor gradient, Tensor? ofCurrent) =>
        (null, Plus(ofCurrent, gradient));

    internal override (double A, double B, double C) Weights(int layer) => (0, 1, 1);
}
