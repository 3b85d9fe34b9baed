using System.CommandLine;
using System.CommandLine.Invocation;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Cli.Verbs;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>Prints the help: options in groups, each with values, range and default, then examples.</summary>
internal sealed class HelpText(RootCommand root, IReadOnlyList<Verb> verbs) : SynchronousCommandLineAction
{
    private const int Width = 110;
    private const int Indent = 6;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        TextWriter output = parseResult.InvocationConfiguration.Output;
        if (verbs.SingleOrDefault(verb => verb.Command == parseResult.CommandResult.Command) is { } verb) WriteVerb(output, verb);
        else WriteRoot(output);
        return ExitCode.Done;
    }

    private void WriteRoot(TextWriter output)
    {
        output.WriteLine(root.Description);
        output.WriteLine($"\nUsage: {CommandLine.Name} VERB [options]\n");
        foreach (Verb verb in verbs) output.WriteLine($"  {verb.Command.Name,-12}{Summary(verb)}");
        string help = $"'{CommandLine.Name} {CommandLine.HelpVerb} VERB' or '{CommandLine.Name} VERB --help'";
        output.WriteLine($"\n{help} lists a verb's options and shows examples.");
        output.WriteLine("Exit codes: 0 done, 1 the input or an option is wrong, 2 failed, 130 interrupted.");
    }

    private static void WriteVerb(TextWriter output, Verb verb)
    {
        Paragraph(output, verb.Command.Description!, 0);
        output.WriteLine($"\nUsage: {CommandLine.Name} {verb.Command.Name} {verb.Usage}");
        foreach (OptionGroup group in verb.Groups)
        {
            output.WriteLine($"\n{group.Title}:");
            foreach (Option option in group.Options)
            {
                string usage = OptionText.Usage(string.Join(", ", OptionText.Names(option)), option);
                output.WriteLine($"  {usage}{(option.Required ? "  (required)" : "")}");
                Paragraph(output, option.Description!, Indent);
            }
        }
        output.WriteLine("\nExamples:");
        foreach ((string what, string command) in verb.Examples)
        {
            Paragraph(output, what, 2);
            output.WriteLine($"    {CommandLine.Name} {command}\n");
        }
    }

    /// <summary>Returns the first clause of the description.</summary>
    private static string Summary(Verb verb) =>
        verb.Command.Description!.Split([": ", ". ", ", "], StringSplitOptions.None)[0].TrimEnd('.') + ".";

    private static void Paragraph(TextWriter output, string text, int indent)
    {
        string line = "";
        foreach (string word in text.Split(' '))
        {
            if (line.Length > 0 && indent + line.Length + 1 + word.Length > Width)
            {
                output.WriteLine(new string(' ', indent) + line);
                line = "";
            }
            line = line.Length == 0 ? word : $"{line} {word}";
        }
        output.WriteLine(new string(' ', indent) + line);
    }
}
