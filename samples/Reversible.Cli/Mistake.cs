using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Cli.Verbs;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>Describes in one line what is wrong with a command line, and suggests a correction.</summary>
internal static partial class Mistake
{
    /// <summary>Describes a command line without a known verb.</summary>
    public static string OfVerb(string[] arguments, IReadOnlyList<Verb> verbs)
    {
        string[] names = [.. verbs.Select(known => known.Command.Name)];
        string list = $"the verbs are {string.Join(", ", names)}. See '{CommandLine.Name} --help'.";
        if (arguments is not [string typed, ..]) return $"A verb is missing; {list}";
        if (typed.StartsWith('-')) return $"A verb is missing before '{typed}'; {list}";
        return Nearest.Of(typed, [.. names, CommandLine.HelpVerb]) is { } meant
            ? $"There is no verb '{typed}'; did you mean '{meant}'? See '{CommandLine.Name} --help'."
            : $"There is no verb '{typed}'; {list}";
    }

    /// <summary>Describes wrong options of a verb; null if they can be read.</summary>
    public static string? OfOptions(string[] arguments, ParseResult parsed, Verb verb)
    {
        string? mistake = NameAsValue(arguments, parsed, verb) ?? (parsed.Errors.Count > 0 ? Describe(parsed, verb) : null);
        return mistake is null ? null : $"{mistake} See '{CommandLine.Name} {verb.Command.Name} --help'.";
    }

    /// <summary>Describes an option's name that was read as the value of the option before it; null if there is none.</summary>
    private static string? NameAsValue(string[] arguments, ParseResult parsed, Verb verb)
    {
        foreach (OptionResult typed in parsed.CommandResult.Children.OfType<OptionResult>())
        {
            string? value = typed.Tokens.Select(token => token.Value)
                .FirstOrDefault(text => IsName().IsMatch(text) && arguments.Contains(text));
            if (value is null) continue;
            string name = typed.IdentifierToken!.Value;
            return typed.Tokens[0].Value == value
                ? $"{name} needs a value before '{value}', or '{name}={value}' if that is the value."
                : UnknownOption(value, verb);
        }
        return null;
    }

    private static string Describe(ParseResult parsed, Verb verb)
    {
        if (parsed.UnmatchedTokens is [string unknown, ..])
            return IsOption(unknown) ? UnknownOption(unknown, verb) : UnexpectedValue(unknown, parsed, verb);
        foreach (OptionResult typed in parsed.CommandResult.Children.OfType<OptionResult>().Where(result => !result.Implicit))
        {
            string name = typed.IdentifierToken!.Value;
            if (IsGivenTwice(typed)) return $"{name} is given {typed.IdentifierTokenCount} times. Give it once.";
            if (typed.Tokens.Count < typed.Option.Arity.MinimumNumberOfValues)
                return $"{name} needs a value, as in '{OptionText.Usage(name, typed.Option)}'.";
        }
        string[] missing =
        [
            .. verb.Command.Options.Where(option => option.Required && parsed.GetResult(option) is not { Implicit: false })
                .Select(option => $"'{OptionText.Usage(OptionText.Name(option), option)}'"),
        ];
        return missing.Length == 0 ? parsed.Errors[0].Message.ReplaceLineEndings(" ")
            : $"{string.Join(", ", missing)} {(missing.Length == 1 ? "is" : "are")} missing.";
    }

    /// <summary>Returns whether an option with one value is given several times.</summary>
    public static bool IsGivenTwice(OptionResult typed) =>
        typed.Option.Arity.MaximumNumberOfValues == 1 && typed.IdentifierTokenCount > 1;

    private static string UnknownOption(string typed, Verb verb)
    {
        string? meant = Nearest.Of(typed.Split('=')[0], verb.Command.Options.SelectMany(OptionText.Names).Append("--help"));
        return meant is null ? $"There is no option '{typed}'." : $"There is no option '{typed}'; did you mean '{meant}'?";
    }

    /// <summary>Describes a value that belongs to no option: one after a complete option, or one before all options.</summary>
    private static string UnexpectedValue(string value, ParseResult parsed, Verb verb)
    {
        string[] before = [.. parsed.Tokens.Select(token => token.Value).Reverse().SkipWhile(word => word != value).Skip(1)];
        string? name = before.FirstOrDefault(IsOption);
        Option? last = verb.Command.Options.LastOrDefault(option => OptionText.Names(option).Contains(name));
        if (last is not null)
        {
            bool isFlag = (Nullable.GetUnderlyingType(last.ValueType) ?? last.ValueType) == typeof(bool);
            if (isFlag && before[0] == name && last.Arity.MaximumNumberOfValues == 1)
                return $"{name} must be true or false, not '{value}'.";
            return $"'{value}' is not expected: {name} takes {(last.Arity.MaximumNumberOfValues == 0 ? "no value" : "one value")}.";
        }
        string example = verb.Command.Options.FirstOrDefault(option => option.Required) is { } first
            ? $", as in '{OptionText.Usage(OptionText.Name(first), first)}'" : "";
        return $"'{value}' is not expected: a value follows the name of its option{example}.";
    }

    private static bool IsOption(string text) =>
        text.StartsWith('-') && !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    [GeneratedRegex("^--[A-Za-z][A-Za-z0-9_-]*(=|$)")]
    private static partial Regex IsName();
}
