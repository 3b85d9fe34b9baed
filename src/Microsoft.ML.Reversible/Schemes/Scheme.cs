using System.Globalization;
using System.Numerics;
using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Schemes;
using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible;

/// <summary>
/// A recurrence over the layers of a network. It computes the hidden state after a layer from the two before it and from the block's
/// function f. With p⁻, p and p⁺ before, at and after a layer, each of shape [batch, context, width]:
/// <code>
///     p⁺ = A p⁻ + B p + C f(p)          p⁻ = (p⁺ - B p - C f(p)) / A
///     dL/dp⁻ += A g          dL/dp += B g + J_f(p)ᵀ C g          g = dL/dp⁺
/// </code>
/// </summary>
/// <remarks>
/// <para>
/// A scheme is a record with a name and coefficients. Forward step, inverse, gradients, exact arithmetic and stability are derived from
/// them. None of the steps evaluates f: the stack evaluates it once, both to recompute p⁻ and to differentiate.
/// </para>
/// <para>
/// A scheme of another assembly can be used directly. <see cref="Register"/> adds it to <see cref="Parse"/>, so that folders with it can
/// be loaded.
/// </para>
/// </remarks>
public abstract partial record Scheme
{
    /// <summary>The largest allowed growth of float32 rounding errors; beyond it, fewer than three digits are correct.</summary>
    private protected const double MostGrowth = 1e4;

    /// <summary>The scheme's name in options, files and on the command line: lower case, without parameters.</summary>
    public abstract string Name { get; }

    /// <summary>Returns the coefficients of a layer.</summary>
    /// <param name="layer">The layer, from 0. The coefficients of layer 0 are not used if <see cref="Start"/> is Euler.</param>
    /// <returns>
    /// The coefficients. A is 0 in every layer or in none. Whether A and B are integers, or ±1/k, decides whether the scheme can be exact.
    /// </returns>
    public abstract Coefficients At(int layer);

    /// <summary>Whether p⁻ can be computed from p and p⁺, so that training stores no hidden states: A is not 0.</summary>
    public virtual bool IsReversible => Typical.A != 0;

    /// <summary>
    /// Whether hidden states on a fixed-point grid are recomputed to the bit: A is an integer, or ±1/k for a power of two k up to 64, whose
    /// remainders are then stored.
    /// </summary>
    public virtual bool CanBeExact => Typical.Divisor is not null;

    /// <summary>Why hidden states on a grid cannot be rebuilt to the bit, as a sentence; null where they can.</summary>
    internal virtual string? WhyNotExact => CanBeExact ? null : "it multiplies hidden states by factors that leave the grid.";

    /// <summary>The default arithmetic.</summary>
    internal virtual Arithmetic DefaultArithmetic => CanBeExact && Typical.Divisor > 1 ? Arithmetic.Exact : Arithmetic.Float;

    /// <summary>Why the scheme cannot be run backwards in any arithmetic, as a sentence; null if it can.</summary>
    internal virtual string? WhyNoInverse => IsReversible ? null : "it has no inverse.";

    /// <summary>Why the scheme cannot be run backwards in an arithmetic, and what to set instead; null where it can.</summary>
    internal virtual string? WhyNotReversible(Arithmetic arithmetic)
    {
        if (WhyNoInverse is { } reason) return $"{reason} BackwardMode must be Stored or Checkpointed, not Reversible.";
        if (arithmetic == Arithmetic.Exact || FloatGrowth is not { } growth) return null;
        return $"in float arithmetic it multiplies rounding errors by {growth}. BackwardMode Reversible needs "
            + (CanBeExact ? "Arithmetic Exact." : "|A| of 1 or more; BackwardMode must be Stored or Checkpointed.");
    }

    /// <summary>
    /// The factor by which the reversible mode multiplies rounding errors in float arithmetic, in words, where that spoils the gradients;
    /// null where it does not.
    /// </summary>
    private protected virtual string? FloatGrowth => Math.Abs(Typical.A) is > 0 and < 1 and var a
        ? string.Create(CultureInfo.InvariantCulture, $"{1 / a:G4} in each layer")
        : null;

    /// <summary>The coefficients of the first layer that uses them. The same coefficients are 0 or ±1/k in all layers.</summary>
    internal Coefficients Typical => At(FirstLayer);

    private int FirstLayer => Start == Start.Euler ? 1 : 0;

    /// <summary>The default backward mode: reversible where the scheme can be run backwards.</summary>
    internal BackwardMode DefaultBackwardMode(Arithmetic arithmetic) =>
        WhyNotReversible(arithmetic) is null ? BackwardMode.Reversible : BackwardMode.Stored;

    /// <summary>Whether inference computes p + f(p) in each layer, as programs that know no schemes do.</summary>
    internal virtual bool IsResidualAtInference => false;

    /// <summary>Number of fraction bits of the grid in exact arithmetic.</summary>
    internal virtual int FractionBits => Grid.DefaultFractionBits;

    /// <summary>Bits that the reversible mode keeps for each number of a hidden state in each layer, to undo rounding.</summary>
    internal virtual int RemainderBitsPerActivation => CanBeExact ? BitOperations.Log2((uint)Typical.Divisor!.Value) : 0;

    /// <summary>Number of functions of the recurrence per block.</summary>
    internal virtual int FunctionsPerBlock => 1;

    /// <summary>How often a layer evaluates blocks in the forward pass.</summary>
    internal virtual int EvaluationsPerLayer => 1;

    /// <summary>How the first layer, which has no p⁻, is computed.</summary>
    public Start Start { get; init; } = Start.Repeat;

    /// <summary>The output of the stack.</summary>
    public ReadOut ReadOut { get; init; } = ReadOut.Last;

    /// <summary>Returns the scheme for a network of a number of layers, with the numbers that are drawn once for a network.</summary>
    internal virtual Scheme Bind(int layers, int seed) => this;

    /// <summary>Returns the scheme with the defaults for the weights of a trained network.</summary>
    internal virtual Scheme ForTrainedWeights() => this;

    /// <exception cref="ArgumentException">
    /// A coefficient is not finite, or some layers can be run backwards, or be exact, and others cannot.
    /// </exception>
    internal void CheckCoefficients(int layers)
    {
        for (int layer = FirstLayer; layer < layers; layer++)
        {
            Coefficients first = Typical, c = At(layer);
            if (!double.IsFinite(c.A) || !double.IsFinite(c.B) || !double.IsFinite(c.C))
                throw new ArgumentException($"The scheme '{Name}' has {c} in layer {layer}. Coefficients must be finite.", nameof(layers));
            if ((c.A == 0) != (first.A == 0) || (CanBeExact && c.Divisor != first.Divisor))
                throw new ArgumentException(
                    $"The scheme '{Name}' has {c} in layer {layer} and {first} in layer {FirstLayer}. A must be 0 in all layers or in "
                    + "none, and with A = ±1/k all must have the same k.",
                    nameof(layers));
        }
    }

    /// <exception cref="ArgumentException">
    /// In the backward pass in float arithmetic, all layers together multiply rounding errors by more than <see cref="MostGrowth"/>.
    /// </exception>
    internal void CheckGrowthBack(int layers)
    {
        double growth = GrowthBack(Enumerable.Range(0, layers).Skip(FirstLayer).Select(layer => At(layer).A));
        if (growth > MostGrowth)
            throw new ArgumentException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The scheme '{Name}' cannot be run backwards here: in float arithmetic its {layers} layers multiply rounding errors "
                    + $"by {growth:G3}. BackwardMode must be Stored or Checkpointed."),
                nameof(BackwardMode));
    }

    /// <summary>Returns the largest product of 1/|A| over consecutive layers.</summary>
    private protected static double GrowthBack(IEnumerable<double> factors)
    {
        double product = 1, largest = 1;
        foreach (double a in factors)
        {
            product = Math.Max(1, product / Math.Abs(a));
            largest = Math.Max(largest, product);
        }
        return largest;
    }

    /// <summary>The parameter that has no effect in an arithmetic, and why, as a sentence; null if all have an effect.</summary>
    private protected virtual string? WhyUnused(Arithmetic arithmetic) => null;

    /// <exception cref="ArgumentException">The scheme has a parameter that has no effect in this arithmetic.</exception>
    internal void CheckParameters(Arithmetic arithmetic)
    {
        if (WhyUnused(arithmetic) is { } reason) throw new ArgumentException($"In the scheme '{this}', {reason}", nameof(Scheme));
    }

    /// <exception cref="ArgumentException">The scheme was drawn for a network with another number of layers.</exception>
    internal virtual void CheckDepth(int layers)
    {
    }

    /// <summary>
    /// Returns the functions of the recurrence, in order. A function may also evaluate blocks of earlier functions, but a parameter is
    /// registered in only one of them.
    /// </summary>
    internal virtual IReadOnlyList<Block> Functions(IReadOnlyList<Block> blocks) => blocks;

    /// <summary>Returns the function that draws a layer's random numbers for one pass; null if the scheme draws none.</summary>
    internal virtual Func<int, Tensor>? Draw(int layers, long batch, long seed, Device device) => null;

    /// <summary>Computes p⁺ from p⁻, p and f(p).</summary>
    /// <param name="at">The layer.</param>
    /// <param name="previous">p⁻, of shape [batch, context, width]; p⁺ may overwrite it if the layer allows it.</param>
    /// <param name="current">p, of the same shape.</param>
    /// <param name="f">f(p), of the same shape; it may have a narrower type than the hidden states.</param>
    internal virtual Tensor Forward(Layer at, Tensor previous, Tensor current, Tensor f)
    {
        Coefficients c = At(at.Index);
        if (c.A == 0) return Scaled(current, c.B) + at.Round(f, c.C);
        return at.Grid is null || c.StaysOnGrid
            ? Combined(at, previous, current, f, c)
            : Rest(at, current, f, c) + at.Divisible(previous, c.Divisor!.Value) * c.A;
    }

    /// <summary>Computes p⁻ from p, p⁺ and f(p); it may overwrite p⁺ if the layer allows it.</summary>
    internal virtual Tensor Inverse(Layer at, Tensor current, Tensor next, Tensor f)
    {
        Coefficients c = At(at.Index);
        if (c.A == 0)
            throw new NotSupportedException($"The scheme '{Name}' has no inverse: its equation does not contain p⁻.");
        if (at.Grid is not null && !c.StaysOnGrid)
            return at.Restore((next - Rest(at, current, f, c)) / c.A, c.Divisor!.Value);
        // With A = ±1, 1/A is A, so the product can come first. The addition is then last and also writes the copy for the next block.
        return Math.Abs(c.A) == 1
            ? Combined(at, next, current, f, new(c.A, -c.A * c.B, -c.A * c.C))
            : at.Over(Combined(at, next, current, f, new(1, -c.B, -c.C)), c.A);
    }

    /// <summary>Returns the gradient of f(p) from the gradient g of p⁺: C·g, which may be g itself.</summary>
    internal virtual Tensor AdjointOfF(Layer at, Tensor gradient) => Scaled(gradient, At(at.Index).C);

    /// <summary>
    /// Returns the gradient of p⁻, A·g, and the gradient of p with B·g added; null stands for zero. Both arguments may be overwritten, and
    /// may be the results.
    /// </summary>
    /// <param name="at">The layer.</param>
    /// <param name="gradient">g, the gradient of p⁺.</param>
    /// <param name="ofCurrent">The gradient of p without the part of this layer.</param>
    internal virtual (Tensor? OfPrevious, Tensor? OfCurrent) Adjoint(Layer at, Tensor gradient, Tensor? ofCurrent)
    {
        Coefficients c = At(at.Index);
        if (c.A == 0) return (null, Plus(ofCurrent, gradient, c.B));
        // Without a sum yet, the product needs a new tensor, because g is overwritten next.
        Tensor? sum = c.B == 0 ? ofCurrent : ofCurrent is null ? gradient * c.B : Plus(ofCurrent, gradient, c.B);
        return (c.A == 1 ? gradient : gradient.mul_(c.A), sum);
    }

    /// <summary>Computes a step of the network after training; by default that of the recurrence.</summary>
    internal virtual Tensor Infer(Layer at, Tensor previous, Tensor current, Tensor f) => Step(at, previous, current, f);

    /// <summary>Returns the coefficients of a layer; <see cref="Start"/> determines those of the first.</summary>
    internal Coefficients StepAt(int layer) => layer == 0 && Start == Start.Euler ? Coefficients.Euler : At(layer);

    /// <summary><see cref="Forward"/>, with the first layer according to <see cref="Start"/>.</summary>
    internal Tensor Step(Layer at, Tensor previous, Tensor current, Tensor f) =>
        IsEuler(at) ? current + at.Round(f) : Forward(at, previous, current, f);

    /// <summary><see cref="AdjointOfF"/>, with the first layer according to <see cref="Start"/>.</summary>
    internal Tensor StepAdjointOfF(Layer at, Tensor gradient) => IsEuler(at) ? gradient : AdjointOfF(at, gradient);

    /// <summary><see cref="Adjoint"/>, with the first layer according to <see cref="Start"/>.</summary>
    internal (Tensor? OfPrevious, Tensor? OfCurrent) StepAdjoint(Layer at, Tensor gradient, Tensor? ofCurrent) =>
        IsEuler(at) ? (null, Plus(ofCurrent, gradient)) : Adjoint(at, gradient, ofCurrent);

    /// <summary>Returns factor·x, or x itself if the factor is 1.</summary>
    private protected static Tensor Scaled(Tensor x, double factor) => factor == 1 ? x : x * factor;

    /// <summary>Adds factor·x to the sum in place; returns factor·x if the sum is null.</summary>
    private protected static Tensor Plus(Tensor? sum, Tensor x, double factor = 1) => sum is null ? Scaled(x, factor) : sum.add_(x, factor);

    /// <summary>Returns A x + B p + C f, in place of x if the layer allows it.</summary>
    private static Tensor Combined(Layer at, Tensor x, Tensor current, Tensor f, Coefficients c)
    {
        Tensor sum = c.A == 1 ? x : at.Times(x, c.A);
        if (c.B != 0) sum = at.Sum(sum, current, c.B);
        return at.Add(sum, f, c.C);
    }

    /// <summary>Returns B p + C f, rounded once: the product with p need not be on the grid.</summary>
    private static Tensor Rest(Layer at, Tensor current, Tensor f, Coefficients c) =>
        at.Round(c.B == 0 ? Scaled(f, c.C) : Scaled(current, c.B) + Scaled(f, c.C));

    private bool IsEuler(Layer at) => at.Index == 0 && Start == Start.Euler;
}

/// <summary>How the first layer, which has no p⁻, is computed.</summary>
public enum Start
{
    /// <summary>The input takes the place of the missing hidden state: p₋₁ = p₀.</summary>
    Repeat,

    /// <summary>A step of forward Euler: p₁ = p₀ + f(p₀).</summary>
    Euler,
}

/// <summary>Which hidden state a stack returns as its output.</summary>
public enum ReadOut
{
    /// <summary>The last one, p_L.</summary>
    Last,

    /// <summary>The mean of the last two, (p_{L-1} + p_L) / 2.</summary>
    Mean,
}
