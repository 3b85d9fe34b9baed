using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible;

/// <summary>
/// A recurrence over the layers of a network: how the stream after a layer follows from the two streams before it and
/// from the block's function f.
/// </summary>
/// <remarks>
/// Every scheme is of the form p⁺ = A·p⁻ + B·p + C·f(p), where p⁻, p and p⁺ are the streams before, at and after a layer,
/// each of shape [batch, context, width]. Forward, Inverse and Adjoint give the recurrence, the same equation solved for p⁻,
/// and its transpose. None of them evaluates f: the stack does, once, and uses the one evaluation both to rebuild p⁻ and to
/// differentiate. A scheme is one file: a record, and a property here (this type is partial) that gives it with its defaults.
/// </remarks>
public abstract partial record Scheme
{
    private protected Scheme()
    {
    }

    /// <summary>The scheme's name in options, files and on the command line: lower case, without parameters.</summary>
    public abstract string Name { get; }

    /// <summary>Whether p⁻ can be solved for, so that training needs no stored streams.</summary>
    public abstract bool IsReversible { get; }

    /// <summary>
    /// Whether streams on a fixed-point grid are rebuilt to the bit: the weights of p⁻ and p are integers, or what they round
    /// off is kept.
    /// </summary>
    public abstract bool CanBeExact { get; }

    /// <summary>Why streams on a grid cannot be rebuilt to the bit, as a sentence; null where they can.</summary>
    internal virtual string? WhyNotExact => CanBeExact ? null : "it multiplies streams by factors that leave the grid.";

    /// <summary>The arithmetic that is taken where none is asked for.</summary>
    internal virtual Arithmetic DefaultArithmetic => Arithmetic.Float;

    /// <summary>Why the scheme cannot be run backwards in any arithmetic, as a sentence; null where it can.</summary>
    internal virtual string? WhyNoInverse => IsReversible ? null : "it has no inverse.";

    /// <summary>Why the scheme cannot be run backwards in an arithmetic, with the mend; null where it can.</summary>
    internal virtual string? WhyNotReversible(Arithmetic arithmetic) =>
        WhyNoInverse is { } reason ? $"{reason} WayBack must be Stored or Checkpointed, not Reversible." : null;

    /// <summary>The way back that is taken where none is asked for: reversible where that can be.</summary>
    internal WayBack DefaultWayBack(Arithmetic arithmetic) =>
        WhyNotReversible(arithmetic) is null ? WayBack.Reversible : WayBack.Stored;

    /// <summary>Bits behind the binary point of the grid in exact arithmetic.</summary>
    internal virtual int FractionBits => Grid.DefaultFractionBits;

    /// <summary>Bits that the reversible way back keeps for each activation of the stream in each layer, to undo rounding.</summary>
    internal virtual int SideBitsPerActivation => 0;

    /// <summary>How often a layer evaluates blocks on the way forward.</summary>
    internal virtual int EvaluationsPerLayer => 1;

    /// <summary>How the first layer, which has no stream before its own, is taken.</summary>
    public Start Start { get; init; } = Start.Repeat;

    /// <summary>What the stack gives as its output.</summary>
    public ReadOut ReadOut { get; init; } = ReadOut.Last;

    /// <summary>The scheme with everything settled that is drawn for a network of so many layers.</summary>
    internal virtual Scheme Bind(int layers, int seed) => this;

    /// <summary>The scheme for the weights of a trained network, where what is left open depends on that.</summary>
    internal virtual Scheme ForTrainedWeights() => this;

    /// <exception cref="ArgumentException">The scheme was settled for a network of another number of layers.</exception>
    internal virtual void CheckDepth(int layers)
    {
    }

    /// <summary>
    /// The functions that the recurrence runs over, in order. A function may evaluate blocks of earlier functions too, but the parameters
    /// that it has as a module are of no other function.
    /// </summary>
    internal virtual IReadOnlyList<Block> Functions(IReadOnlyList<Block> blocks) => blocks;

    /// <summary>Draws what is random about one pass, for each layer. Null for a scheme that draws nothing.</summary>
    internal virtual Func<int, Tensor>? Draw(int layers, long batch, long seed, Device device) => null;

    /// <summary>p⁺ from p⁻, p and f(p).</summary>
    /// <param name="at">The layer.</param>
    /// <param name="previous">p⁻, of shape [batch, context, width]; p⁺ may take its place where the layer allows it.</param>
    /// <param name="current">p, of the same shape.</param>
    /// <param name="f">f(p), of the same shape; it may be of a narrower type than the streams.</param>
    internal abstract Tensor Forward(Layer at, Tensor previous, Tensor current, Tensor f);

    /// <summary>p⁻ from p, p⁺ and f(p); it may take p⁺'s place where the layer allows it.</summary>
    internal abstract Tensor Inverse(Layer at, Tensor current, Tensor next, Tensor f);

    /// <summary>The gradient of f(p) from the gradient g of p⁺: C·g, which may be g itself.</summary>
    internal abstract Tensor AdjointOfF(Layer at, Tensor gradient);

    /// <summary>
    /// The gradient of p⁻, A·g, and B·g added to what is known of the gradient of p; null stands for zero. Both arguments are used up, and
    /// may be results.
    /// </summary>
    /// <param name="at">The layer.</param>
    /// <param name="gradient">g, the gradient of p⁺.</param>
    /// <param name="ofCurrent">The gradient of p but for this layer's part.</param>
    internal abstract (Tensor? OfPrevious, Tensor? OfCurrent) Adjoint(Layer at, Tensor gradient, Tensor? ofCurrent);

    /// <summary>A step of the network as it is used after training; the recurrence itself unless the scheme says otherwise.</summary>
    internal virtual Tensor Infer(Layer at, Tensor previous, Tensor current, Tensor f) => Step(at, previous, current, f);

    /// <summary>A, B and C of a layer, for what depends on the recurrence alone, such as its stability.</summary>
    internal abstract (double A, double B, double C) Weights(int layer);

    /// <summary><see cref="Forward"/>, with the first layer taken as <see cref="Start"/> says.</summary>
    internal Tensor Step(Layer at, Tensor previous, Tensor current, Tensor f) =>
        IsEuler(at) ? current + at.Round(f) : Forward(at, previous, current, f);

    /// <summary><see cref="AdjointOfF"/>, with the first layer taken as <see cref="Start"/> says.</summary>
    internal Tensor StepAdjointOfF(Layer at, Tensor gradient) => IsEuler(at) ? gradient : AdjointOfF(at, gradient);

    /// <summary><see cref="Adjoint"/>, with the first layer taken as <see cref="Start"/> says.</summary>
    internal (Tensor? OfPrevious, Tensor? OfCurrent) StepAdjoint(Layer at, Tensor gradient, Tensor? ofCurrent) =>
        IsEuler(at) ? (null, Plus(ofCurrent, gradient)) : Adjoint(at, gradient, ofCurrent);

    /// <summary>factor·x, x itself where that is the same.</summary>
    private protected static Tensor Scaled(Tensor x, double factor) => factor == 1 ? x : x * factor;

    /// <summary>sum + factor·x, in the place of the sum; where that is null, factor·x.</summary>
    private protected static Tensor Plus(Tensor? sum, Tensor x, double factor = 1) => sum is null ? Scaled(x, factor) : sum.add_(x, factor);

    private bool IsEuler(Layer at) => at.Index == 0 && Start == Start.Euler;
}
