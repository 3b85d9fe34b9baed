using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;

namespace Microsoft.ML.Reversible;

public abstract partial record Scheme
{
    /// <summary>The text name of BDIA with a fixed γ = 1/k; its <see cref="Name"/> is that of BDIA.</summary>
    internal const string BlendName = "blend";

    private static readonly ConcurrentDictionary<string, Scheme> _registered = new(StringComparer.Ordinal);

    /// <summary>
    /// Returns the scheme as text: its name, then after a colon its parameters, separated by commas, as in <c>midpoint:0.5</c> or
    /// <c>midpoint:0.25,start=euler</c>. BDIA with a fixed γ = 1/k is written <c>blend:k</c>. <see cref="Parse"/> reads the text.
    /// </summary>
    public sealed override string ToString()
    {
        Scheme? plain = Find(Name);
        List<string> parameters = [.. Parameters];
        if (Start != (plain?.Start ?? Start.Repeat)) parameters.Add($"start={Text(Start)}");
        if (ReadOut != (plain?.ReadOut ?? ReadOut.Last)) parameters.Add($"read-out={Text(ReadOut)}");
        return parameters.Count == 0 ? TextName : $"{TextName}:{string.Join(',', parameters)}";
    }

    /// <summary>
    /// Reads a scheme from its name, as in <c>midpoint</c>, or from name and parameters, as in <c>midpoint:0.25,start=euler</c>. The
    /// name <c>blend</c>, as in <c>blend:8</c> or <c>blend:8,bits=20</c>, returns <see cref="Reversible.Bdia.Blend"/>.
    /// </summary>
    /// <param name="text">The text; case is ignored.</param>
    /// <exception cref="ArgumentException">No scheme has this name, or a parameter is unknown or out of its range.</exception>
    public static Scheme Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.ToLowerInvariant().Split(':', 2, StringSplitOptions.TrimEntries);
        bool isBlend = parts[0] == BlendName;
        Scheme scheme = (isBlend ? Reversible.Bdia.Blend() : Find(parts[0]))
            ?? throw new ArgumentException(
                $"There is no scheme '{text}'. The schemes are: "
                + $"{string.Join(", ", All.Concat(_registered.Values).Select(s => s.Name))}, and {BlendName}. "
                + "A program adds its own with Scheme.Register.",
                nameof(text));
        if (parts.Length == 1) return scheme;
        List<string> own = [], names = [];
        foreach (string parameter in parts[1].Split(',', StringSplitOptions.TrimEntries))
        {
            string[] named = parameter.Split('=', 2);
            if (named.Length == 2 && names.Contains(named[0]))
                throw new ArgumentException($"In scheme '{text}', {named[0]} is given twice.", nameof(text));
            names.Add(named[0]);
            scheme = named[0] switch
            {
                "start" when named.Length == 2 => scheme with { Start = Choice<Start>(text, named[1]) },
                "read-out" when named.Length == 2 => scheme with { ReadOut = Choice<ReadOut>(text, named[1]) },
                _ => Keep(isBlend && own.Count == 0 && named.Length == 1 ? $"k={parameter}" : parameter),
            };
        }
        return own.Count == 0 ? scheme : scheme.With(own);

        Scheme Keep(string parameter)
        {
            own.Add(parameter);
            return scheme;
        }
    }

    /// <summary>
    /// Registers a scheme of another assembly for <see cref="Parse"/>, so that folders and files with it can be loaded. Call it once
    /// before loading. The schemes of this assembly are already registered.
    /// </summary>
    /// <param name="scheme">The scheme with its defaults. Its <see cref="With"/> reads what its <see cref="Parameters"/> write.</param>
    /// <exception cref="ArgumentException">
    /// The name is not made of lower-case letters, digits and hyphens, or another scheme has it.
    /// </exception>
    public static void Register(Scheme scheme)
    {
        ArgumentNullException.ThrowIfNull(scheme);
        scheme.CheckName();
        bool isTaken = scheme.Name == BlendName || Array.Exists(All, s => s.Name == scheme.Name)
            || _registered.GetOrAdd(scheme.Name, scheme).GetType() != scheme.GetType();
        if (isTaken) throw new ArgumentException($"There is another scheme with the name '{scheme.Name}'.", nameof(scheme));
    }

    /// <exception cref="ArgumentException">The name is not made of lower-case letters, digits and hyphens.</exception>
    internal void CheckName()
    {
        if (string.IsNullOrEmpty(Name) || !Name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
            throw new ArgumentException($"A scheme's name must be made of lower-case letters, digits and hyphens, not '{Name}'.");
    }

    /// <summary>Checks that the scheme's text is read back as the same scheme.</summary>
    /// <exception cref="InvalidOperationException">
    /// The scheme is not registered, has the name of another scheme, or does not write all its parameters.
    /// </exception>
    internal void CheckText()
    {
        string text = ToString();
        Scheme? read = null;
        try
        {
            read = Parse(text);
        }
        catch (ArgumentException)
        {
            // The scheme is not registered, or its parameters are not read back.
        }
        if (!Equals(read))
            throw new InvalidOperationException(
                $"The scheme '{text}' cannot be saved: it would be {(read is null ? "unknown" : "another scheme")} when it is loaded. Call "
                + "Scheme.Register with a scheme of its type once, and let Parameters write all that With reads.");
    }

    /// <summary>Every scheme of this assembly, with its defaults.</summary>
    internal static Scheme[] All => [.. typeof(Scheme).GetProperties(BindingFlags.Public | BindingFlags.Static)
        .Where(p => p.PropertyType == typeof(Scheme)).Select(p => (Scheme)p.GetValue(null)!)];

    /// <summary>The first part of the scheme's text.</summary>
    private protected virtual string TextName => Name;

    /// <summary>The scheme's own parameters as text, without commas; none by default.</summary>
    protected virtual IEnumerable<string> Parameters => [];

    /// <summary>Returns the scheme with its own parameters read from text.</summary>
    /// <param name="parameters">The parameters, at least one, in lower case.</param>
    /// <exception cref="ArgumentException">A parameter is unknown or out of its range.</exception>
    protected virtual Scheme With(IReadOnlyList<string> parameters) => throw Unknown(parameters[0]);

    private static Scheme? Find(string name) =>
        Array.Find(All, s => s.Name == name) ?? (_registered.TryGetValue(name, out Scheme? scheme) ? scheme : null);

    private protected ArgumentException Unknown(string parameter) => new(
        $"The scheme '{Name}' has no parameter '{parameter}'. With its defaults it is written '{Find(Name) ?? this}'; every scheme also "
        + "takes start and read-out.");

    private protected static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private protected static string Text<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();

    private protected double Number(string parameter) =>
        double.TryParse(parameter, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : throw Unknown(parameter);

    private protected int Integer(string parameter) =>
        int.TryParse(parameter, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
            ? value
            : throw Unknown(parameter);

    private protected static T Choice<T>(string text, string value) where T : struct, Enum =>
        Enum.TryParse(value, ignoreCase: true, out T choice) && Enum.IsDefined(choice) && !char.IsAsciiDigit(value[0])
            ? choice
            : throw new ArgumentException(
                $"In scheme '{text}', '{value}' is not one of {string.Join(", ", Enum.GetValues<T>().Select(Text))}.",
                nameof(text));
}
