using System.Reflection;

namespace Microsoft.ML.Reversible.Training;

/// <summary>An option that has no effect beside the others that are set.</summary>
/// <param name="Option">The name of its property.</param>
/// <param name="Where">When that is so and why, as the end of a sentence.</param>
/// <param name="Remedy">What makes it take effect, as an order.</param>
internal readonly record struct UnusedOption(string Option, string Where, string Remedy)
{
    /// <summary>Throws for the first option that has no effect and differs from its default.</summary>
    /// <param name="options">The options.</param>
    /// <param name="defaults">What they are where nothing is set.</param>
    /// <param name="unused">Those that have no effect.</param>
    /// <param name="owner">The property that holds the options, with a dot; empty where they are given by themselves.</param>
    /// <exception cref="ArgumentException">There is one; the message names it, says why and what to do.</exception>
    public static void RefuseChanged<T>(T options, T defaults, IEnumerable<UnusedOption> unused, string owner = "")
    {
        foreach (UnusedOption one in unused)
        {
            PropertyInfo property = typeof(T).GetProperty(one.Option)!;
            if (!Equals(property.GetValue(options), property.GetValue(defaults))) throw one.Refusal(owner);
        }
    }

    /// <summary>The exception for an option that was set.</summary>
    /// <param name="owner">The property that holds the options, with a dot; empty where they are given by themselves.</param>
    public ArgumentException Refusal(string owner = "") => new(Message(owner + Option), Option);

    /// <summary>Says that an option has no effect, why, and what to do.</summary>
    /// <param name="name">The option's name for the reader.</param>
    public string Message(string name) => $"{name} has no effect {Where}. Leave it out, or {Remedy}.";
}
