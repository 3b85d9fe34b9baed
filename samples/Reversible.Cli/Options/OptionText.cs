using System.CommandLine;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>An option's names and its usage as text.</summary>
internal static class OptionText
{
    /// <summary>Returns all names of an option.</summary>
    public static IEnumerable<string> Names(Option option) => [option.Name, .. option.Aliases];

    /// <summary>Returns the shortest name of an option.</summary>
    public static string Name(Option option) => Names(option).MinBy(name => name.Length)!;

    /// <summary>Returns a name of an option with the placeholder of its value.</summary>
    public static string Usage(string name, Option option) => option.HelpName is null ? name : $"{name} {option.HelpName}";
}
