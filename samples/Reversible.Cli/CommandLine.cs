using System.CommandLine;
using System.CommandLine.Help;
using Microsoft.ML.Reversible.Cli.Verbs;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>The command line: verbs, help and exit codes.</summary>
internal static class CommandLine
{
    public const string Name = "reversible";

    /// <summary>'help' and 'help VERB' are the same as '--help' and 'VERB --help'.</summary>
    public const string HelpVerb = "help";

    /// <summary>Runs one command line.</summary>
    /// <returns>0 done, 1 the input or an option is wrong, 2 failed, 130 interrupted.</returns>
    public static int Run(string[] arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        Verb[] verbs = Verbs(terminal);
        RootCommand root = Root(verbs);
        if (arguments is [HelpVerb, .. var of]) arguments = [.. of.Take(1), "--help"];
        // By default an argument that begins with '@', such as a prompt, would be read as the name of a response file.
        ParseResult parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        Verb? verb = verbs.SingleOrDefault(verb => verb.Command == parsed.CommandResult.Command);
        bool asksForHelp = parsed.Errors.Count == 0 && parsed.Action is { Terminating: true };
        if (asksForHelp && (verb is not null || parsed.UnmatchedTokens.Count == 0))
        {
            return parsed.Invoke(new InvocationConfiguration { Output = terminal.Out, Error = terminal.Error });
        }
        if ((verb is null ? Mistake.OfVerb(arguments, verbs) : Mistake.OfOptions(arguments, parsed, verb)) is { } mistake)
        {
            terminal.Error.WriteLine($"{Name}: {mistake}");
            return ExitCode.Usage;
        }
        try
        {
            return verb!.Run(parsed, cancellationToken);
        }
        catch (Exception e)
        {
            terminal.Error.WriteLine($"{Name}: {ExitCode.Describe(e)}");
            return ExitCode.Of(e);
        }
    }

    /// <summary>All verbs, in the order of the help.</summary>
    public static Verb[] Verbs(Terminal terminal) =>
    [
        new TrainVerb(terminal),
        new RetrofitVerb(terminal),
        new FineTuneVerb(terminal),
        new AlignVerb(terminal),
        new GenerateVerb(terminal),
        new ChatVerb(terminal),
        new ScoreVerb(terminal),
        new EvaluateVerb(terminal),
        new ExportVerb(terminal),
        new BenchVerb(terminal),
        new StabilityVerb(terminal),
        new GradcheckVerb(terminal),
    ];

    private static RootCommand Root(Verb[] verbs)
    {
        var root = new RootCommand(
            "Trains, converts and runs language models with reversible layers: training stores the activations of one layer, not of all.");
        foreach (Verb verb in verbs) root.Subcommands.Add(verb.Command);
        root.Options.OfType<HelpOption>().Single().Action = new HelpText(root, verbs);
        root.Options.OfType<VersionOption>().Single().Action = new VersionText();
        return root;
    }
}
