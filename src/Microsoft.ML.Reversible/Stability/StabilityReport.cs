using System.Globalization;
using System.Numerics;
using System.Text;
using Microsoft.ML.Reversible.Stability;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// The report on whether a model's recurrence stays bounded forward and backward on real text, and how exactly hidden states are rebuilt.
/// </summary>
public sealed class StabilityReport
{
    internal StabilityReport(
        Scheme scheme, IReadOnlyList<LayerStability> layers, StackAmplification stack, string verdict, string suggestion) =>
        (Scheme, Layers, Stack, Verdict, Suggestion) = (scheme, layers, stack, verdict, suggestion);

    /// <summary>The scheme that the model is trained with.</summary>
    public Scheme Scheme { get; }

    /// <summary>The layers in order.</summary>
    public IReadOnlyList<LayerStability> Layers { get; }

    /// <summary>
    /// The maximum factor by which all layers together amplify a small error, forward and backward; the largest over the windows.
    /// </summary>
    public StackAmplification Stack { get; }

    /// <summary>A text that says in which layers errors grow, by how much and why.</summary>
    public string Verdict { get; }

    /// <summary>A text that says what would help.</summary>
    public string Suggestion { get; }

    /// <summary>Returns the layers as a table in plain text, then the verdict and the suggestion.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        Line(["layer", "max |λ|", "min Re λ", "max Re λ", "max |Im λ|", "residual", "forward", "back", "rebuilt, max", "rms", "of rms"]);
        foreach (LayerStability layer in Layers)
        {
            Line([
                layer.Layer.ToString(CultureInfo.InvariantCulture),
                Number(layer.Largest.Value.Magnitude),
                Number(layer.Leftmost.Value.Real),
                Number(layer.Rightmost.Value.Real),
                Number(Math.Abs(layer.MostImaginary.Value.Imaginary)),
                Small(new[] { layer.Largest, layer.Leftmost, layer.Rightmost, layer.MostImaginary }.Max(e => e.Residual)),
                Number(layer.ForwardGrowth),
                Number(layer.BackwardGrowth),
                Small(layer.RebuildError?.Max),
                Small(layer.RebuildError?.Rms),
                Number(layer.RebuildError?.HiddenStateRms),
            ]);
        }
        return text.Append('\n').Append(Verdict).Append('\n').Append(Suggestion).Append('\n').ToString();

        void Line(IEnumerable<string> cells) =>
            text.Append(string.Concat(cells.Select((cell, i) => cell.PadLeft(i == 0 ? 5 : 13)))).Append('\n');
    }

    private static string Number(double? value) => value?.ToString("G4", CultureInfo.InvariantCulture) ?? "-";

    private static string Small(double? value) => value?.ToString("0.0e+00", CultureInfo.InvariantCulture) ?? "-";
}

/// <summary>The stability of one layer at the hidden states of real text.</summary>
/// <remarks>
/// The eigenvalues are those of the Jacobian of the layer's function f with respect to the whole state of one window (all tokens and
/// channels), and for the Hamiltonian scheme those of the product J_Mlp J_Attn. The iteration finds the outer eigenvalues first and not all
/// of them, so growth factors are lower bounds.
/// </remarks>
public sealed record LayerStability
{
    private readonly IReadOnlyList<EigenvalueEstimate> _eigenvalues = [];

    /// <summary>The layer's index, from 0.</summary>
    public required int Layer { get; init; }

    /// <summary>The eigenvalues found in all windows, at least one, the largest in absolute value first.</summary>
    public required IReadOnlyList<EigenvalueEstimate> Eigenvalues
    {
        get => _eigenvalues;
        init => _eigenvalues = [.. value.OrderByDescending(e => e.Value.Magnitude)];
    }

    /// <summary>The eigenvalue that is largest in absolute value.</summary>
    public EigenvalueEstimate Largest => Eigenvalues[0];

    /// <summary>The eigenvalue with the largest real part.</summary>
    public EigenvalueEstimate Rightmost => Eigenvalues.MaxBy(e => e.Value.Real);

    /// <summary>The eigenvalue with the smallest real part.</summary>
    public EigenvalueEstimate Leftmost => Eigenvalues.MinBy(e => e.Value.Real);

    /// <summary>The eigenvalue with the largest imaginary part in absolute value.</summary>
    public EigenvalueEstimate MostImaginary => Eigenvalues.MaxBy(e => Math.Abs(e.Value.Imaginary));

    /// <summary>
    /// The factor by which the layer amplifies a perturbation in the forward direction, the largest over the eigenvalues found. Above 1,
    /// errors grow by it in each layer; at 1 they are bounded, or grow linearly if <see cref="GrowsLinearly"/> is true.
    /// </summary>
    public required double ForwardGrowth { get; init; }

    /// <summary>The factor in the backward direction; null if the layer's recurrence has no inverse.</summary>
    public required double? BackwardGrowth { get; init; }

    /// <summary>
    /// Whether errors grow linearly with depth at one of the eigenvalues found, because the recurrence has a double root on the unit
    /// circle, or two
    /// roots too close to tell apart at this depth. L such layers amplify an error by up to L + 1. For the Hamiltonian scheme, linear
    /// growth is possible but not certain: at the eigenvalue 0 there is none if the null spaces of both halves have the same dimension.
    /// </summary>
    public required bool GrowsLinearly { get; init; }

    /// <summary>
    /// The error of the layer's input as rebuilt in floating point from the last two hidden states, over all windows; null if it cannot be
    /// rebuilt.
    /// </summary>
    public required RebuildError? RebuildError { get; init; }

    internal Growth Growth => new(ForwardGrowth, BackwardGrowth);
}

/// <summary>An eigenvalue λ of a Jacobian, found by an iteration.</summary>
/// <param name="Value">λ.</param>
/// <param name="Residual">
/// ‖Jᵀv - λv‖ for its unit eigenvector v: a matrix within this distance of Jᵀ has the eigenvalue λ exactly. 0 if the whole matrix was
/// computed.
/// </param>
public readonly record struct EigenvalueEstimate(Complex Value, double Residual);

/// <summary>The difference between a hidden state and its rebuilt value from running the recurrence backward.</summary>
/// <param name="Max">The largest absolute difference.</param>
/// <param name="Rms">The root mean square of the difference.</param>
/// <param name="HiddenStateRms">The root mean square of the hidden state itself, for comparison.</param>
public readonly record struct RebuildError(double Max, double Rms, double HiddenStateRms)
{
    /// <summary>
    /// The root mean square of the difference relative to that of the hidden state; 0 if there is no difference.
    /// </summary>
    public double Relative => Rms == 0 ? 0 : Rms / HiddenStateRms;

    /// <summary>Compares a rebuilt state with the original.</summary>
    internal static RebuildError Of(Tensor rebuilt, Tensor state)
    {
        using var scope = NewDisposeScope();
        Tensor kept = state.to(ScalarType.Float64), difference = rebuilt.to(ScalarType.Float64) - kept;
        return new(Number(difference.abs().max()), Math.Sqrt(Number(difference.square().mean())), Math.Sqrt(Number(kept.square().mean())));

        // A state that overflowed while it was rebuilt has an infinite error.
        static double Number(Tensor x) => x.ToDouble() is var value && double.IsNaN(value) ? double.PositiveInfinity : value;
    }

    /// <summary>Combines the errors of several states of the same size.</summary>
    internal static RebuildError Over(IReadOnlyCollection<RebuildError> errors) => new(
        errors.Max(e => e.Max),
        Math.Sqrt(errors.Average(e => e.Rms * e.Rms)),
        Math.Sqrt(errors.Average(e => e.HiddenStateRms * e.HiddenStateRms)));
}

/// <summary>
/// The maximum factor by which a whole stack amplifies a small error of two consecutive hidden states: the largest singular value of the
/// derivative T of (p₀, p₋₁) ↦ (p_L, p_{L-1}), and of its inverse.
/// </summary>
/// <remarks>
/// <para>
/// Unlike the eigenvalues of single layers, it includes the interaction of the layers, and growth that no eigenvalue shows. Norms are
/// Euclidean, over both states of one window. The iteration gives a lower bound.
/// </para>
/// <para>
/// If the first layer does not depend on p₋₁ (<see cref="Start.Euler"/>), the inverse ends at (p₁, p₀). For a residual network the
/// derivative is that of p₀ ↦ p_L.
/// </para>
/// </remarks>
/// <param name="Forward">The factor in the forward direction; 1 keeps an error's norm.</param>
/// <param name="Backward">The factor in the backward direction; null if the layers have no inverse.</param>
public readonly record struct StackAmplification(double Forward, double? Backward)
{
    /// <summary>Returns the larger factor in each direction.</summary>
    internal StackAmplification Or(StackAmplification other) => new(
        Math.Max(Forward, other.Forward),
        Backward is { } mine && other.Backward is { } others ? Math.Max(mine, others) : null);
}
