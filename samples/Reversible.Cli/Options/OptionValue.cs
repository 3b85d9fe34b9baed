using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>Reads and formats the values of options.</summary>
internal static class OptionValue
{
    private static readonly string Range = $" from {int.MinValue} to {int.MaxValue}";

    /// <summary>Reads an option's single value; an invalid value is reported as an error of the command line.</summary>
    public static T? Parse<T>(ArgumentResult result)
    {
        Type type = Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T);
        if (type == typeof(IReadOnlyList<string>)) return (T)(object)result.Tokens.Select(token => token.Value).ToArray();
        if (result.Tokens.Count == 0 && type == typeof(bool)) return (T)(object)true;
        return Read(result, type, result.Tokens[^1].Value) is T value ? value : default;
    }

    /// <summary>Reads all values of an option, each as <see cref="Parse"/> does.</summary>
    public static IReadOnlyList<T> ParseAll<T>(ArgumentResult result) =>
        [.. result.Tokens.Select(token => Read(result, typeof(T), token.Value)).OfType<T>()];

    private static object? Read(ArgumentResult result, Type type, string text)
    {
        string name = (result.Parent as OptionResult)?.IdentifierToken?.Value ?? result.Argument.Name;
        try
        {
            if (TryRead(type, text) is { } value) return value;
            result.AddError($"{name} must be {MustBe(type)}{(type == typeof(int) && IsWhole(text) ? Range : "")}, not '{text}'.");
        }
        catch (ArgumentException e)
        {
            string? meant = type == typeof(Scheme) ? MeantScheme(text) : null;
            result.AddError($"{name}: {ExitCode.Describe(e)}{(meant is null ? "" : $" Did you mean '{meant}'?")}");
        }
        return null;
    }

    /// <summary>Returns whether a text is a whole number, even one that is too large for an option.</summary>
    private static bool IsWhole(string text) =>
        BigInteger.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _);

    /// <summary>Returns the scheme whose name is near that of an unknown one; null if there is none.</summary>
    private static string? MeantScheme(string text)
    {
        string name = text.Split(':')[0];
        string[] names = [.. Scheme.All.Select(scheme => scheme.Name), Scheme.BlendName];
        return names.Contains(name, StringComparer.OrdinalIgnoreCase) ? null : Nearest.Of(name, names);
    }

    /// <summary>Returns a value as it is typed; null if there is none.</summary>
    public static string? Show(object? value) => value switch
    {
        null => null,
        bool flag => flag ? "true" : "false",
        Enum name => Kebab.Of(name.ToString()),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        IEnumerable<string> texts => string.Join(' ', texts) is { Length: > 0 } all ? all : null,
        _ => value.ToString(),
    };

    /// <summary>Returns the placeholder of a value in the help.</summary>
    public static string Placeholder(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type.IsEnum ? string.Join('|', Enum.GetNames(type).Select(Kebab.Of))
            : type == typeof(bool) ? "[true|false]"
            : type == typeof(int) ? "N"
            : type == typeof(double) ? "X"
            : type == typeof(Scheme) ? "SCHEME"
            : type == typeof(ChatFormat) ? string.Join('|', ChatFormat.All.Select(format => format.Name))
            : "TEXT";
    }

    private static object? TryRead(Type type, string text)
    {
        if (type == typeof(string)) return text;
        if (type == typeof(Scheme)) return Scheme.Parse(text);
        if (type == typeof(ChatFormat)) return ChatFormat.Parse(text);
        if (type == typeof(IReadOnlyList<LayerPair>)) return Pairs(text);
        if (type == typeof(bool)) return bool.TryParse(text, out bool flag) ? flag : null;
        if (type == typeof(int))
            return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int whole) ? whole : null;
        if (type == typeof(double))
            return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;
        string? member = Enum.GetNames(type)
            .SingleOrDefault(name => string.Equals(Kebab.Of(name), text, StringComparison.OrdinalIgnoreCase));
        return member is null ? null : Enum.Parse(type, member);
    }

    private static string MustBe(Type type) =>
        type.IsEnum ? $"one of {string.Join(", ", Enum.GetNames(type).Select(Kebab.Of))}"
        : type == typeof(bool) ? "true or false"
        : type == typeof(int) ? "a whole number"
        : type == typeof(IReadOnlyList<LayerPair>) ? "pairs of layers such as 1:1,2:2"
        : "a number";

    private static LayerPair[]? Pairs(string text)
    {
        List<LayerPair> pairs = [];
        foreach (string pair in text.Split(','))
        {
            if (pair.Split(':') is not [var teacher, var student]
                || TryRead(typeof(int), teacher) is not int t || TryRead(typeof(int), student) is not int s)
                return null;
            pairs.Add(new(t, s));
        }
        return [.. pairs];
    }
}
