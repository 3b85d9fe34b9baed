using System.Globalization;
using System.Numerics;
using System.Text;
using Microsoft.ML.Reversible.Stability;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>Whether a model's recurrence stays bounded forward and back on real text, and how exactly it is rebuilt.</summary>
public sealed class StabilityReport
{
    internal StabilityReport(
        Scheme scheme, IReadOnlyList<LayerStability> layers, StackAmplification stack, string verdict, string suggestion) =>
        (Scheme, Layers, Stack, Verdict, Suggestion) = (scheme, layers, stack, verdict, suggestion);

    /// <summary>The recurrence that was analysed: the one that the model is trained with.</summary>
    public Scheme Scheme { get; }

    /// <summary>The layers in order.</summary>
    public IReadOnlyList<LayerStability> Layers { get; }

    /// <summary>
    /// The most that all layers together multiply a small error by, forward and back; the largest over the windows.
    /// </summary>
    public StackAmplification Stack { get; }

    /// <summary>Which layers grow, by how much and why, in words.</summary>
    public string Verdict { get; }

    /// <summary>What would help, in words.</summary>
    public string Suggestion { get; }

    /// <summary>The layers as a table in plain text, then verdict and suggestion.</summary>
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
                Number(layer.RebuildError?.StreamRms),
            ]);
        }
        return text.Append('\n').Append(Verdict).Append('\n').Append(Suggestion).Append('\n').ToString();

        void Line(IEnumerable<string> cells) =>
            text.Append(string.Concat(cells.Select((cell, i) => cell.PadLeft(i == 0 ? 5 : 13)))).Append('\n');
    }

    private static string Number(double? value) => value?.ToString("G4", CultureInfo.InvariantCulture) ?? "-";

    private static string Small(double? value) => value?.ToString("0.0e+00", CultureInfo.InvariantCulture) ?? "-";
}

/// <summary>How stable one layer is at the states that real text leads to.</summary>
/// <remarks>
/// The eigenvalues are those of the Jacobian of the layer's function f over the whole state of one window, all its tokens and channels at
/// once; for the Hamiltonian scheme those of the product J_Mlp J_Attn. An iteration finds the outer ones best and does not find all, so
/// growth factors are estimates from below.
/// </remarks>
public sealed record LayerStability
{
    private readonly IReadOnlyList<EigenvalueEstimate> _eigenvalues = [];

    /// <summary>The layer, from 0.</summary>
    public required int Layer { get; init; }

    /// <summary>The eigenvalues found, over all windows, the largest in absolute value first; at least one.</summary>
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
    /// The most that the layer multiplies a perturbation by on the way forward, over the eigenvalues found: above 1 errors grow by this
    /// factor a layer; at 1 they are bounded, or grow linearly where <see cref="GrowsLinearly"/> says so.
    /// </summary>
    public required double ForwardGrowth { get; init; }

    /// <summary>The same on the way back; null where the layer's recurrence has no inverse.</summary>
    public required double? BackwardGrowth { get; init; }

    /// <summary>
    /// Whether along an eigenvalue found errors grow linearly rather than by a factor a layer: the roots of the recurrence meet on the unit
    /// circle, as far as a network of this depth can tell. L such layers multiply an error by up to L + 1. For the Hamiltonian scheme this
    /// says that they can: at the eigenvalue 0 they do not where both halves leave out the same number of directions.
    /// </summary>
    public required bool GrowsLinearly { get; init; }

    /// <summary>
    /// How wrong the stream into this layer is rebuilt, measured in floating point from the last two streams back over all windows; null
    /// where there is no way back to it.
    /// </summary>
    public required RebuildError? RebuildError { get; init; }

    internal Growth Growth => new(ForwardGrowth, BackwardGrowth);
}

/// <summary>An eigenvalue λ of a Jacobian, as an iteration found it.</summary>
/// <param name="Value">λ.</param>
/// <param name="Residual">
/// ‖Jᵀv - λv‖ for the unit vector v that belongs to it: there is a matrix within this distance of Jᵀ that has λ exactly. 0 where the whole
/// matrix was taken.
/// </param>
public readonly record struct EigenvalueEstimate(Complex Value, double Residual);

/// <summary>The difference between a stream and what running the recurrence back gives for it.</summary>
/// <param name="Max">The largest absolute value of the difference.</param>
/// <param name="Rms">Its root mean square.</param>
/// <param name="StreamRms">The root mean square of the stream itself, to set the others against.</param>
public readonly record struct RebuildError(double Max, double Rms, double StreamRms)
{
    /// <summary>
    /// The root mean square of the difference as a part of the stream's; 0 for a stream of zeros that is rebuilt as such.
    /// </summary>
    public double Relative => Rms == 0 ? 0 : Rms / StreamRms;

    internal static RebuildError Of(Tensor rebuilt, Tensor stream)
    {
        using var scope = NewDisposeScope();
        Tensor kept = stream.to(ScalarType.Float64), difference = rebuilt.to(ScalarType.Float64) - kept;
        return new(Number(difference.abs().max()), Math.Sqrt(Number(difference.square().mean())), Math.Sqrt(Number(kept.square().mean())));

        // A stream that left the range of its type on the way back is as wrong as can be.
        static double Number(Tensor x) => x.ToDouble() is var value && double.IsNaN(value) ? double.PositiveInfinity : value;
    }

    /// <summary>Several streams of one size as one.</summary>
    internal static RebuildError Over(IReadOnlyCollection<RebuildError> errors) => new(
        errors.Max(e => e.Max),
        Math.Sqrt(errors.Average(e => e.Rms * e.Rms)),
        Math.Sqrt(errors.Average(e => e.StreamRms * e.StreamRms)));
}

/// <summary>
/// The most that a small error of two neighbouring hidden states is multiplied by over a whole stack: the largest singular value of the
/// derivative T of (p₀, p₋₁) ↦ (p_L, p_{L-1}), and of its inverse.
/// </summary>
/// <remarks>
/// <para>
/// Unlike the eigenvalues of one layer after the other, it sees how the layers act in turn, and errors that grow though no eigenvalue says
/// so. Lengths are Euclidean, over all numbers of both states of one window. An iteration finds it from below.
/// </para>
/// <para>
/// Where the first layer does not depend on p₋₁ (<see cref="Start.Euler"/>), the inverse ends at (p₁, p₀). In a residual network the
/// derivative is that of p₀ ↦ p_L.
/// </para>
/// </remarks>
/// <param name="Forward">On the way forward; 1 keeps an error's size.</param>
/// <param name="Backward">On the way back; null where the layers have no inverse.</param>
public readonly record struct StackAmplification(double Forward, double? Backward)
{
    /// <summary>The larger of each direction.</summary>
    internal StackAmplification Or(StackAmplification other) => new(
        Math.Max(Forward, other.Forward),
        Backward is { } mine && other.Backward is { } others ? Math.Max(mine, others) : null);
}
