using System.Numerics;
using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Schemes;
using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible;

public abstract partial record Scheme
{
    /// <summary>The iterated inverse with a = 1/2 and one fixed-point step.</summary>
    public static Scheme IteratedInverse { get; } = new IteratedInverse();
}

/// <summary>
/// The iterated inverse: the residual network with a correction that makes it reversible, after section 4 of arXiv 2512.02056. E_m(p)
/// estimates p⁻ from p by m fixed-point steps with the function f⁻ of the layer before, y₀ = p, yᵢ₊₁ = p - f⁻(yᵢ), E_m(p) = y_m:
/// <code>
///     p⁺ = p + f(p) + a (p⁻ - E_m(p))          p⁻ = E_m(p) + (p⁺ - p - f(p)) / a
/// </code>
/// If the estimate is exact, the correction is 0 and this is the residual network for every a, so trained residual networks can be
/// converted. With e(p) = p - E_m(p) = f⁻(y_{m-1}) it is the two-step recurrence
/// <code>
///     p⁺ = a p⁻ + (1-a) p + F(p)          F(p) = f(p) + a e(p)
/// </code>
/// with 1 + m evaluations per layer. The first layer, which has no layer before it, is p₁ = p₀ + f(p₀).
/// With a = ±1 it is exact on a grid and stores no remainders. With a = ±1/k, it stores log₂ k bits per activation, as BDIA does. Without
/// the grid, each layer of the backward pass would multiply rounding errors by k, so the reversible mode needs exact arithmetic.
/// </summary>
/// <remarks>
/// <para>
/// With the eigenvalues μ of F's Jacobian, it is bounded in both directions for a = 1 if μ is imaginary with |μ| &lt; 2, and for a = -1
/// if μ is real with -4 &lt; μ &lt; 0; at the ends errors grow linearly. For other a, errors decay forward if μ is real with
/// -2(1-a) &lt; μ &lt; 0, and grow backward by 1/|a| per layer where F is 0.
/// </para>
/// <para>
/// The gradients of a layer's function belong to two blocks. With <see cref="OptimizerPlacement.InsideBackward"/>, the gradient of a second
/// layer is therefore in memory in addition to the shared one.
/// </para>
/// </remarks>
public sealed record IteratedInverse : Scheme
{
    private const int MaxSteps = 64;

    /// <summary>Creates the scheme with a = 1/2 and m = 1.</summary>
    public IteratedInverse() => Start = Start.Euler;

    /// <summary>a, the weight of the correction: ±1, ±1/2, ±1/4, ±1/8, ±1/16, ±1/32 or ±1/64.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not one of these.</exception>
    public double A
    {
        get;
        init => field = 1 / Math.Abs(value) is 1 or 2 or 4 or 8 or 16 or 32 or Remainders.MaxK
            ? value
            : throw new ArgumentOutOfRangeException(
                nameof(A), value, "The iterated inverse's A must be 1, 1/2, 1/4, 1/8, 1/16, 1/32 or 1/64, or -1 times one of these.");
    } = 0.5;

    /// <summary>m, the number of fixed-point steps: within [1, 64].</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of its range.</exception>
    public int M
    {
        get;
        init => field = value is >= 1 and <= MaxSteps
            ? value
            : throw new ArgumentOutOfRangeException(nameof(M), value, $"The iterated inverse's M must be within [1, {MaxSteps}].");
    } = 1;

    /// <summary>l: in exact arithmetic hidden states are multiples of 2⁻ˡ; within [1, 30].</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of its range.</exception>
    public int Bits
    {
        get;
        init => field = value is >= 1 and <= 30
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Bits), value, "The iterated inverse's Bits must be within [1, 30].");
    } = Grid.DefaultFractionBits;

    /// <inheritdoc/>
    public override string Name => "iterated-inverse";

    private protected override string? WhyUnused(Arithmetic arithmetic) =>
        arithmetic == Arithmetic.Float && Bits != Grid.DefaultFractionBits
        ? "bits has no effect: float arithmetic has no grid. Leave it out, or set Arithmetic to Exact."
        : null;

    internal override int FractionBits => Bits;

    internal override int EvaluationsPerLayer => 1 + M;

    /// <inheritdoc/>
    protected override IEnumerable<string> Parameters => [$"a={Text(A)}", $"m={M}", $"bits={Bits}"];

    internal override IReadOnlyList<Block> Functions(IReadOnlyList<Block> blocks) =>
        [.. blocks.Select((block, j) =>
            j == 0 ? block : new EstimatedFunction(block, new PreviousStateEstimate(blocks[j - 1], M), A))];

    /// <inheritdoc/>
    public override Coefficients At(int layer) => new(A, 1 - A, 1);

    /// <inheritdoc/>
    protected override Scheme With(IReadOnlyList<string> parameters)
    {
        IteratedInverse scheme = this;
        foreach (string parameter in parameters)
        {
            string[] named = parameter.Split('=', 2);
            scheme = (named[0], named.Length) switch
            {
                ("a", 2) => scheme with { A = Number(named[1]) },
                ("m", 2) => scheme with { M = Integer(named[1]) },
                ("bits", 2) => scheme with { Bits = Integer(named[1]) },
                _ => throw Unknown(parameter),
            };
        }
        return scheme;
    }
}

/// <summary>
/// f_j(p) + a e_j(p), where e_j(p) estimates f_{j-1} at the hidden state that p came from. Its parameters are those of block j alone;
/// gradients reach block j - 1 as well, before the backward pass reaches its own layer.
/// </summary>
internal sealed class EstimatedFunction : nn.Module<Tensor, Tensor>, IContextFunction
{
    private readonly Block _block;
    private readonly PreviousStateEstimate _estimate;
    private readonly double _factor;

    /// <summary>Makes the function.</summary>
    /// <param name="block">f_j.</param>
    /// <param name="estimate">The estimate by f_{j-1}.</param>
    /// <param name="factor">a.</param>
    public EstimatedFunction(Block block, PreviousStateEstimate estimate, double factor) : base(nameof(EstimatedFunction))
    {
        _block = block;
        _estimate = estimate;
        _factor = factor;
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => Forward(input, null);

    /// <inheritdoc/>
    public Tensor Forward(Tensor input, EvaluationContext? context)
    {
        using var scope = NewDisposeScope();
        // In the hidden state's type: the sum of two bfloat16 values would be rounded to bfloat16 once more.
        Tensor own = _block.At(input, context).to(input.dtype);
        return (own + _estimate.Increment(input, context) * _factor).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Estimates the hidden state before a residual layer from the one after it by fixed-point steps. Where p = p⁻ + f(p⁻),
/// <code>
///     y₀ = p       yᵢ₊₁ = p - f(yᵢ)       E(p) = y_m = p - e(p)       with e(p) = f(y_{m-1})
/// </code>
/// The steps converge to p⁻ only where f is a contraction: the error after m of them is about Lip(f)ᵐ ‖f‖.
/// </summary>
/// <remarks>Not a module, so that a module that holds it does not register f's parameters.</remarks>
/// <param name="f">The layer's function.</param>
/// <param name="steps">m, at least 1.</param>
internal sealed class PreviousStateEstimate(Block f, int steps)
{
    /// <summary>Computes e(p) = p - E(p).</summary>
    /// <param name="p">The hidden state after the layer, of shape [batch, context, width].</param>
    /// <param name="context">The context of the layer after; null where there is none.</param>
    /// <returns>A tensor of p's shape and type, in the caller's dispose scope.</returns>
    public Tensor Increment(Tensor p, EvaluationContext? context = null)
    {
        using var scope = NewDisposeScope();
        Tensor increment = Evaluate(p, context);
        for (int step = 1; step < steps; step++) increment = Evaluate(p - increment, context);
        return increment.MoveToOuterDisposeScope();
    }

    private Tensor Evaluate(Tensor y, EvaluationContext? context) => f.At(y, context?.OfLayerBefore()).to(y.dtype);
}
