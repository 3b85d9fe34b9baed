using System.Collections.Immutable;
using System.Globalization;
using Microsoft.ML.Reversible.Schemes;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

public abstract partial record Scheme
{
    /// <summary>The midpoint scheme with a random factor a in each layer, and step size 1.</summary>
    public static Scheme MidpointA { get; } = new MidpointA();
}

/// <summary>
/// The generalised midpoint scheme, equation 3.6 of arXiv 2512.02056, with a factor a for each layer:
/// <code>
///     p⁺ = a p⁻ + (1-a) p + h f(p)          p⁻ = (p⁺ - (1-a) p - h f(p)) / a
/// </code>
/// The factors are given, or drawn once and kept with the model: ±1 with equal probability plus a uniform number within ±1/2, so that the
/// scheme is forward Euler in expectation. Where f is 0, errors grow by 1/|a| per layer backward if |a| &lt; 1, and by |a| per layer
/// forward if |a| &gt; 1. Forward they decay if |a| &lt; 1 and the eigenvalues λ of f's Jacobian are real with -2(1-a) &lt; hλ &lt; 0. It
/// cannot be exact: the product of a grid value and a real a is not on the grid, and unless |a| = 1, rounding it loses bits.
/// </summary>
public sealed record MidpointA : Scheme
{
    private readonly ImmutableArray<double> _factors = [];

    /// <summary>h, positive and finite.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not positive and finite.</exception>
    public double StepSize { get; init => field = StepSizes.Checked(value); } = 1;

    /// <summary>a of each layer, none of them 0; empty until the factors are drawn for a network.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A factor is 0 or not finite.</exception>
    public ImmutableArray<double> Factors
    {
        get => _factors;
        init => _factors = value.All(a => a != 0 && double.IsFinite(a))
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Factors), "The factors of the midpoint(a) scheme must be finite and not 0.");
    }

    /// <inheritdoc/>
    public override string Name => "midpoint-a";

    /// <inheritdoc/>
    public override bool IsReversible => true;

    /// <inheritdoc/>
    public override bool CanBeExact => false;

    /// <inheritdoc/>
    protected override IEnumerable<string> Parameters => [Text(StepSize), .. Factors.Select(Text)];

    /// <summary>The largest product of 1/|a| over consecutive layers, if it leaves float32 fewer than three digits; else null.</summary>
    private protected override string? FloatGrowth
    {
        get
        {
            double growth = GrowthBack(Factors);
            return growth > MostGrowth
                ? string.Create(CultureInfo.InvariantCulture, $"{growth:G3} over the layers with these factors")
                : null;
        }
    }

    internal override Scheme Bind(int layers, int seed)
    {
        CheckDepth(layers);
        if (Factors.Length > 0) return this;
        var random = new CounterRandom(seed);
        return this with
        {
            Factors = [.. Enumerable.Range(0, layers).Select(_ => (random.Next(2) == 0 ? -1 : 1) + random.NextDouble() - 0.5)],
        };
    }

    internal override void CheckDepth(int layers)
    {
        if (Factors.Length > 0 && Factors.Length != layers)
            throw new ArgumentException(
                $"The midpoint(a) scheme has {Factors.Length} factors, but the network has {layers} layers.",
                nameof(layers));
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The factors have not been drawn yet.</exception>
    public override Coefficients At(int layer) => Factors.IsEmpty
        ? throw new InvalidOperationException("The factors of the midpoint(a) scheme are drawn when a network is made.")
        : new(Factors[layer], 1 - Factors[layer], StepSize);

    /// <summary>Returns whether the step sizes and all factors are equal.</summary>
    public bool Equals(MidpointA? other) => base.Equals(other) && StepSize == other.StepSize && Factors.SequenceEqual(other.Factors);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), StepSize, Factors.Length);

    /// <inheritdoc/>
    protected override Scheme With(IReadOnlyList<string> parameters) =>
        this with { StepSize = Number(parameters[0]), Factors = [.. parameters.Skip(1).Select(Number)] };
}
