using System.Numerics;
using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Schemes;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

public abstract partial record Scheme
{
    /// <summary>BDIA with γ = ±1/2 and a random sign for every sample and block.</summary>
    public static Scheme Bdia { get; } = new Bdia();
}

/// <summary>How BDIA chooses the sign of γ.</summary>
public enum BdiaSigns
{
    /// <summary>Drawn with equal probability for every sample and block of every pass.</summary>
    Random,

    /// <summary>Always γ = 1/k: with a large k the recurrence is close to the residual network ("blend").</summary>
    Positive,

    /// <summary>Always γ = -1/k.</summary>
    Negative,
}

/// <summary>The network that BDIA computes after training.</summary>
public enum BdiaInference
{
    /// <summary>γ = 0: the residual network, up to rounding to the grid.</summary>
    Standard,

    /// <summary>The recurrence used in training.</summary>
    Recurrence,
}

/// <summary>
/// Bidirectional integration approximation, arXiv 2407.09093, with γ = ±1/k, k a power of two up to 64. Q rounds to multiples of 2⁻ˡ, and
/// n = 2ˡ p⁻ is an integer whose remainder r = n mod k is stored, log₂ k bits per activation:
/// <code>
///     p⁺ = γ (p⁻ - 2⁻ˡ r) + Q[(1-γ) p + (1+γ) f(p)]          p⁻ = (p⁺ - Q[(1-γ) p + (1+γ) f(p)]) / γ + 2⁻ˡ r
/// </code>
/// The term with γ is on the grid because n - r is a multiple of k. The paper has k = 2. The first layer is p₁ = p₀ + Q[f(p₀)].
/// </summary>
/// <remarks>
/// <para>
/// Forward, errors decay if the eigenvalues λ of f's Jacobian are real with -2(1-γ)/(1+γ) &lt; λ &lt; 0: (-2/3, 0) for γ = 1/2, (-6, 0)
/// for -1/2, (-1.765, 0) for 1/16. At both ends one root is 1 or -1 and the other is smaller, so errors keep their size. With random
/// signs, errors did not grow with any tested sequence of signs on the interval of γ = 1/k, and the mean square of an error decays on a
/// wider interval, -2(1-γ²)/(1+3γ²) &lt; λ &lt; 0. For some complex λ errors grow with a sequence of signs, but with neither sign alone.
/// </para>
/// <para>
/// Without the grid, each layer of the backward pass would multiply rounding errors by k, so the reversible mode needs exact arithmetic.
/// Larger k, up to 2²⁰, are for float arithmetic with the stored or checkpointed mode only.
/// </para>
/// </remarks>
public sealed record Bdia : Scheme
{
    private const int MaxK = 1 << 20;

    // l in the paper's experiments, which all train from scratch.
    private const int PaperBits = 9;

    /// <summary>Creates BDIA with γ = ±1/2 and random signs.</summary>
    public Bdia() => Start = Start.Euler;

    /// <summary>
    /// Creates the recurrence with γ = 1/k in every layer, also after training, on a grid of 2⁻²⁴. It differs from the residual network
    /// with the same weights by γ (f(p) - f⁻(p⁻)) per layer, which is smaller for larger k. As text it is <c>blend:k</c>.
    /// </summary>
    /// <param name="k">A power of two from 2 to 2²⁰; above 64 neither exact nor reversible.</param>
    /// <exception cref="ArgumentOutOfRangeException">k is not one of these.</exception>
    public static Bdia Blend(int k = 16) => new()
    {
        K = k, Signs = BdiaSigns.Positive, Bits = Grid.DefaultFractionBits, Inference = BdiaInference.Recurrence,
    };

    /// <summary>k in γ = ±1/k: a power of two from 2 to 2²⁰; above 64 neither exact nor reversible.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not one of these.</exception>
    public int K
    {
        get;
        init => field = value is >= 2 and <= MaxK && BitOperations.IsPow2(value)
            ? value
            : throw new ArgumentOutOfRangeException(
                nameof(K), value, $"BDIA's K must be a power of two from 2 to {Remainders.MaxK}, or up to {MaxK} in float arithmetic.");
    } = 2;

    /// <summary>The sign of γ.</summary>
    public BdiaSigns Signs { get; init; } = BdiaSigns.Random;

    /// <summary>
    /// l: hidden states are multiples of 2⁻ˡ; within [1, 30]. The default, null, is the paper's 9 for a network that is trained from
    /// scratch, and 24 for the weights of a trained network, where 2⁻⁹ would change the embeddings by several per cent of their standard
    /// deviation. The scheme of a network, and the saved scheme, contain the number.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of its range.</exception>
    public int? Bits
    {
        get;
        init => field = value is null or >= 1 and <= 30
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Bits), value, "BDIA's Bits must be within [1, 30].");
    }

    /// <summary>The network that is computed after training.</summary>
    public BdiaInference Inference { get; init; } = BdiaInference.Standard;

    /// <inheritdoc/>
    public override string Name => "bdia";

    internal override bool IsResidualAtInference => Inference == BdiaInference.Standard;

    /// <inheritdoc/>
    public override bool IsReversible => K <= Remainders.MaxK;

    /// <inheritdoc/>
    public override bool CanBeExact => K <= Remainders.MaxK;

    internal override string? WhyNotExact => CanBeExact ? null : $"remainders are stored for K up to {Remainders.MaxK}, not {K}.";

    internal override Arithmetic DefaultArithmetic => CanBeExact ? Arithmetic.Exact : Arithmetic.Float;

    internal override string? WhyNoInverse => IsReversible ? null : $"it needs K up to {Remainders.MaxK}, and K is {K}.";

    internal override string? WhyNotReversible(Arithmetic arithmetic) =>
        base.WhyNotReversible(arithmetic) ?? (arithmetic == Arithmetic.Exact
            ? null
            : "in float arithmetic it multiplies rounding errors by K in each layer. BackwardMode Reversible needs Arithmetic Exact.");

    private protected override string? WhyUnused(Arithmetic arithmetic) =>
        arithmetic == Arithmetic.Float && Bits is not null && !(IsBlend && Bits == Grid.DefaultFractionBits)
        ? "bits has no effect: float arithmetic has no grid. Leave it out, or set Arithmetic to Exact."
        : null;

    internal override int FractionBits => Bits ?? PaperBits;

    internal override int RemainderBitsPerActivation => CanBeExact ? BitOperations.Log2((uint)K) : 0;

    private bool IsBlend => Signs == BdiaSigns.Positive && Inference == BdiaInference.Recurrence && Bits is not null;

    private protected override string TextName => IsBlend ? BlendName : Name;

    /// <inheritdoc/>
    protected override IEnumerable<string> Parameters => IsBlend
        ? [$"{K}", .. Bits == Grid.DefaultFractionBits ? Enumerable.Empty<string>() : [$"bits={Bits}"]]
        : [$"k={K}", $"signs={Text(Signs)}", .. Bits is null ? Array.Empty<string>() : [$"bits={Bits}"], $"inference={Text(Inference)}"];

    internal override Scheme Bind(int layers, int seed) => this with { Bits = FractionBits };

    internal override Scheme ForTrainedWeights() => this with { Bits = Bits ?? Grid.DefaultFractionBits };

    internal override Func<int, Tensor> Draw(int layers, long batch, long seed, Device device)
    {
        double gamma = 1.0 / K;
        if (Signs != BdiaSigns.Random)
            return _ => tensor(Signs == BdiaSigns.Positive ? gamma : -gamma, dtype: ScalarType.Float64, device: device);
        return layer => tensor(
            [.. Enumerable.Range(0, (int)batch).Select(row => Sign(seed, layer, row) * gamma)], [batch, 1, 1], device: device);
    }

    /// <summary>Returns the random sign of γ for a row, a layer and a pass.</summary>
    /// <param name="seed">The pass's seed.</param>
    /// <param name="layer">The layer, from 0.</param>
    /// <param name="row">The row of the batch, from 0.</param>
    internal static int Sign(long seed, int layer, int row) => CounterRandom.Bits(seed, layer, row) >> 63 == 0 ? -1 : 1;

    internal override Tensor Forward(Layer at, Tensor previous, Tensor current, Tensor f)
    {
        Tensor gamma = at.Drawn!;
        if (at.Grid is not null && at.Fused?.TryBlend(previous, current, f, gamma, K) is { } fused)
        {
            at.Keep(fused.Remainder, K);
            return fused.Next;
        }
        return at.Divisible(previous, K) * gamma + Rest(at, gamma, current, f);
    }

    internal override Tensor Inverse(Layer at, Tensor current, Tensor next, Tensor f)
    {
        Tensor gamma = at.Drawn!;
        return at.Grid is not null && at.Fused?.TryUnblend(next, current, f, gamma, at.Remainders!.Unpack(K, next.shape)) is { } fused
            ? fused
            : at.Restore((next - Rest(at, gamma, current, f)) / gamma, K);
    }

    internal override Tensor AdjointOfF(Layer at, Tensor gradient)
    {
        Tensor factor = at.Drawn!.to(gradient.dtype) + 1;
        return (at.Fused is null ? null : FusedUpdate.TryScale(gradient, factor)) ?? gradient * factor;
    }

    internal override (Tensor? OfPrevious, Tensor? OfCurrent) Adjoint(Layer at, Tensor gradient, Tensor? ofCurrent)
    {
        Tensor gamma = at.Drawn!.to(gradient.dtype);
        if (at.Fused is not null && ofCurrent is not null && FusedUpdate.TryBlendAdjoint(gradient, ofCurrent, gamma) is { } fused)
            return fused;
        Tensor toCurrent = gradient * (1 - gamma);
        return (gradient.mul_(gamma), Plus(ofCurrent, toCurrent));
    }

    internal override Tensor Infer(Layer at, Tensor previous, Tensor current, Tensor f) =>
        Inference == BdiaInference.Standard ? current + at.Round(f) : Step(at, previous, current, f);

    /// <inheritdoc/>
    /// <remarks>With random signs these are the coefficients for the mean of γ, which is 0; each row of a pass has its own γ.</remarks>
    public override Coefficients At(int layer)
    {
        double gamma = Signs switch { BdiaSigns.Positive => 1.0 / K, BdiaSigns.Negative => -1.0 / K, _ => 0 };
        return new(gamma, 1 - gamma, 1 + gamma);
    }

    /// <inheritdoc/>
    protected override Scheme With(IReadOnlyList<string> parameters)
    {
        Bdia scheme = this;
        foreach (string parameter in parameters)
        {
            string[] named = parameter.Split('=', 2);
            scheme = (named[0], named.Length) switch
            {
                ("k", 2) => scheme with { K = Integer(named[1]) },
                ("bits", 2) => scheme with { Bits = Integer(named[1]) },
                ("signs", 2) => scheme with { Signs = Choice<BdiaSigns>(parameter, named[1]) },
                ("inference", 2) => scheme with { Inference = Choice<BdiaInference>(parameter, named[1]) },
                _ => throw Unknown(parameter),
            };
        }
        return scheme;
    }

    /// <summary>Returns Q[(1-γ) p + (1+γ) f], computed as Q[γ (f - p) + f + p]: products with γ are exact.</summary>
    private static Tensor Rest(Layer at, Tensor gamma, Tensor current, Tensor f) =>
        at.Round((f - current).mul_(gamma).add_(f).add_(current));
}
