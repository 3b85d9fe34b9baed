using System.Globalization;
using System.Reflection;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// A recurrence over the layers of a network: how the stream after a layer follows from the two streams before it and
/// from the block's function f.
/// </summary>
/// <remarks>
/// Every scheme is of the form p⁺ = A·p⁻ + B·p + C·f(p), where p⁻, p and p⁺ are the streams before, at and after a layer,
/// each of shape [batch, context, width]. <see cref="Forward"/>, <see cref="Inverse"/> and <see cref="Adjoint"/> give the
/// recurrence, the same equation solved for p⁻, and its transpose. None of them evaluates f: the stack does, once, and
/// uses the one evaluation both to rebuild p⁻ and to differentiate.
/// A scheme is one file: a record, and a property here (this type is partial) that gives it with its defaults.
/// </remarks>
public abstract partial record Scheme
{
    private protected Scheme()
    {
    }

    /// <summary>The scheme's name in options, files and on the command line: lower case, without parameters.</summary>
    public abstract string Name { get; }

    /// <summary>Whether p⁻ can be rebuilt from p and p⁺, so that training needs no stored streams.</summary>
    public abstract bool IsReversible { get; }

    /// <summary>The scheme's parameter in <see cref="Parse"/>'s form, or null where it has none.</summary>
    private protected virtual double? Parameter => null;

    /// <summary>p⁺ from p⁻, p and f(p).</summary>
    /// <param name="previous">p⁻, of shape [batch, context, width]; p itself at the first layer.</param>
    /// <param name="current">p, of the same shape.</param>
    /// <param name="f">f(p), of the same shape; it may be of a narrower type than the streams.</param>
    /// <returns>A new tensor of the streams' type.</returns>
    public abstract Tensor Forward(Tensor previous, Tensor current, Tensor f);

    /// <summary>p⁻ from p, p⁺ and f(p).</summary>
    /// <param name="current">p, of shape [batch, context, width].</param>
    /// <param name="next">p⁺, of the same shape.</param>
    /// <param name="f">f(p), of the same shape.</param>
    /// <returns>A new tensor of the streams' type.</returns>
    /// <exception cref="NotSupportedException"><see cref="IsReversible"/> is false.</exception>
    public abstract Tensor Inverse(Tensor current, Tensor next, Tensor f);

    /// <summary>What the gradient g of p⁺ adds to the gradients of p⁻, p and f(p).</summary>
    /// <param name="gradient">g, of shape [batch, context, width].</param>
    /// <returns>A·g, B·g and C·g; null stands for zero, and an entry may be <paramref name="gradient"/> itself.</returns>
    public abstract (Tensor? Previous, Tensor? Current, Tensor F) Adjoint(Tensor gradient);

    /// <summary>A, B and C of a layer, for what depends on the recurrence alone, such as its stability.</summary>
    internal abstract (double A, double B, double C) Weights(int layer);

    /// <summary>The name, with the parameter behind a colon where there is one: the text that <see cref="Parse"/> reads.</summary>
    /// <returns>For example <c>midpoint:0.5</c>.</returns>
    public sealed override string ToString() =>
        Parameter is { } value ? string.Create(CultureInfo.InvariantCulture, $"{Name}:{value}") : Name;

    /// <summary>Reads a scheme from its name, as in <c>midpoint</c>, or name and parameter, as in <c>midpoint:0.25</c>.</summary>
    /// <param name="text">The text; case is ignored.</param>
    /// <exception cref="ArgumentException">No scheme has this name, or the parameter is no number or out of its range.</exception>
    public static Scheme Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split(':', 2);
        Scheme scheme = Array.Find(All, s => s.Name.Equals(parts[0].Trim(), StringComparison.OrdinalIgnoreCase))
            ?? throw new ArgumentException($"There is no scheme '{text}'. The schemes are: {string.Join(", ", All.Select(s => s.Name))}.", nameof(text));
        if (parts.Length == 1) return scheme;
        if (!double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out double value))
            throw new ArgumentException($"The parameter of scheme '{text}' is not a number.", nameof(text));
        return scheme.With(value);
    }

    /// <summary>Every scheme with its defaults.</summary>
    internal static Scheme[] All => typeof(Scheme).GetProperties(BindingFlags.Public | BindingFlags.Static)
        .Where(p => p.PropertyType == typeof(Scheme)).Select(p => (Scheme)p.GetValue(null)!).ToArray();

    private protected virtual Scheme With(double parameter) =>
        throw new ArgumentException($"The scheme '{Name}' takes no parameter.");
}
