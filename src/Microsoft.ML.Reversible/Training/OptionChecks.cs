using System.Reflection;

namespace Microsoft.ML.Reversible.Training;

/// <summary>Checks single options. Each exception names the option and its legal range.</summary>
internal static class OptionChecks
{
    internal static void Named(string name, string option)
    {
        if (string.IsNullOrWhiteSpace(name)) throw new ArgumentException($"{option} must name a column.", option);
    }

    internal static void NotBlank(string? path, string option)
    {
        if (path is not null && string.IsNullOrWhiteSpace(path)) throw new ArgumentException($"{option} must be a path, or null.", option);
    }

    internal static void Defined<T>(T value, string option) where T : struct, Enum =>
        Require(Enum.IsDefined(value), option, value, $"one of {string.Join(", ", Enum.GetNames<T>())}");

    internal static void AtLeast(int least, int value, string option) => Require(value >= least, option, value, $"at least {least}");

    internal static void Positive(double value, string option) =>
        Require(value > 0 && double.IsFinite(value), option, value, "positive and finite");

    internal static void NotNegative(double value, string option) =>
        Require(value >= 0 && double.IsFinite(value), option, value, "at least 0 and finite");

    /// <summary>
    /// Returns the property with an option's value in effect: for an option that is derived from others if it is null, the property whose
    /// name is Effective and the option's.
    /// </summary>
    internal static PropertyInfo InEffect(PropertyInfo option) => option.DeclaringType!.GetProperty(
        $"Effective{option.Name}", BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DeclaredOnly) ?? option;

    internal static void Require(bool condition, string option, object value, string range)
    {
        if (!condition) throw new ArgumentOutOfRangeException(option, value, $"{option} must be {range}.");
    }
}

/// <summary>An option that has no effect given the others.</summary>
/// <param name="Option">The name of the property.</param>
/// <param name="Where">The condition and the reason, as the end of a sentence.</param>
/// <param name="Remedy">What to do so that it takes effect, as an imperative.</param>
internal readonly record struct UnusedOption(string Option, string Where, string Remedy)
{
    /// <summary>Throws for the first option that has no effect and differs from its default.</summary>
    /// <param name="options">The options.</param>
    /// <param name="defaults">New options of the same class.</param>
    /// <param name="unused">The options that have no effect.</param>
    /// <exception cref="ArgumentException">There is such an option; the message names it and says why and what to do.</exception>
    public static void RefuseChanged<T>(T options, T defaults, IEnumerable<UnusedOption> unused) where T : notnull
    {
        foreach (UnusedOption one in unused)
        {
            PropertyInfo property = options.GetType().GetProperty(one.Option)!;
            object? value = property.GetValue(options);
            if (!Equals(value, property.GetValue(defaults)) && !Equals(value, OptionChecks.InEffect(property).GetValue(defaults)))
                throw one.Refusal();
        }
    }

    /// <summary>Returns the exception for an option that was set.</summary>
    public ArgumentException Refusal() => new(Message(Option), Option);

    /// <summary>Returns a message that says that the option has no effect, why, and what to do.</summary>
    /// <param name="name">The option's name in the message.</param>
    public string Message(string name) => $"{name} has no effect {Where}. Leave it out, or {Remedy}.";
}
