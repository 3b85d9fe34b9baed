using System.Numerics;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>A layer of a scheme as its stability sees it.</summary>
/// <param name="FirstFunction">The first of the scheme's functions that make up the layer.</param>
/// <param name="FunctionCount">How many they are; eigenvalues are those of the product of their Jacobians.</param>
/// <param name="Choices">The recurrence; several where the scheme draws one of them anew in every pass.</param>
internal sealed record LayerRecurrence(int FirstFunction, int FunctionCount, IReadOnlyList<Recurrence> Choices)
{
    /// <summary>The functions that make up the layer, from the scheme's first function on.</summary>
    public IEnumerable<int> Functions => Enumerable.Range(FirstFunction, FunctionCount);

    /// <summary>The most that the layer multiplies by along an eigenvector with this eigenvalue, whichever recurrence is drawn.</summary>
    public Growth At(Complex eigenvalue) => Choices.Select(choice => choice.At(eigenvalue)).Aggregate((a, b) => a.Or(b));

    /// <summary>
    /// Whether errors along an eigenvector with this eigenvalue grow linearly, as far as so many layers can tell, under a recurrence that
    /// is drawn.
    /// </summary>
    public bool IsLinear(Complex eigenvalue, int layerCount) => Choices.Any(choice => choice.IsLinear(eigenvalue, layerCount));

    /// <summary>The layers of a scheme that is trained over so many functions.</summary>
    public static IReadOnlyList<LayerRecurrence> Of(Scheme scheme, int functionCount)
    {
        Scheme[] drawn = Drawn(scheme);
        if (scheme is Hamiltonian)
        {
            return [.. Enumerable.Range(0, functionCount / 2)
                .Select(l => new LayerRecurrence(2 * l, 2, [Recurrence.Pair(Of(scheme.At(2 * l)), Of(scheme.At(2 * l + 1)))]))];
        }
        return [.. Enumerable.Range(0, functionCount)
            .Select(l => new LayerRecurrence(l, 1, [.. drawn.Select(s => Step(s, l)).Distinct()]))];
    }

    /// <summary>The recurrences of one pass, function by function, with what is random drawn.</summary>
    public static IReadOnlyList<Recurrence> Draw(Scheme scheme, int functionCount, Random random)
    {
        Scheme[] drawn = Drawn(scheme);
        return [.. Enumerable.Range(0, functionCount)
            .Select(l => Step(drawn[random.Next(drawn.Length)], l))];
    }

    /// <summary>The schemes that a layer is drawn from: its weights alone would be those of the mean.</summary>
    private static Scheme[] Drawn(Scheme scheme) => scheme is Bdia { Signs: BdiaSigns.Random } bdia
        ? [bdia with { Signs = BdiaSigns.Positive }, bdia with { Signs = BdiaSigns.Negative }]
        : [scheme];

    private static Recurrence Step(Scheme scheme, int function) => Of(scheme.StepAt(function));

    private static Recurrence Of(Coefficients c) => new(c.A, c.B, c.C);
}
