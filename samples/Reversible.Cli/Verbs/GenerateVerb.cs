using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>Continues a text.</summary>
internal sealed class GenerateVerb : Verb
{
    private readonly ModelInput _model;
    private readonly Option<string?> _prompt;
    private readonly SettingTable<GenerationOptions> _settings;

    public GenerateVerb(Terminal terminal) : this(terminal, new ModelInput(), Prompt(), Settings())
    {
    }

    private GenerateVerb(Terminal terminal, ModelInput model, Option<string?> prompt, SettingTable<GenerationOptions> settings)
        : base(
            terminal, "generate", "Continues a text with a model, and writes prompt and continuation as they are generated.",
            "--model FOLDER [--prompt TEXT] [options]",
            [new OptionGroup("Model and prompt", [.. model.Options, prompt]), .. settings.Groups]) =>
        (_model, _prompt, _settings) = (model, prompt, settings);

    public override IReadOnlyList<(string What, string Command)> Examples =>
    [
        ("The most likely continuation:", "generate --model model --prompt \"Once upon a time\" --temperature 0"),
        ("A sampled continuation of a text from a file:", "generate --model model --temperature 0.8 --top-p 0.95 --seed 7 < beginning.txt"),
    ];

    /// <summary>The options that set properties of <see cref="GenerationOptions"/>.</summary>
    public static SettingTable<GenerationOptions> Settings() => new SettingTable<GenerationOptions>()
        .Group("Sampling")
        .Add(o => o.MaxTokens, "Maximum number of tokens to add, at least 0; the end of text or a stop string ends generation earlier.")
        .Add(o => o.Temperature, "Divides the logits by this, at least 0; 0 takes the most likely token.")
        .Add(o => o.TopK, "Keeps this number of most likely tokens, at least 0; 0 keeps all.")
        .Add(o => o.TopP, "Keeps the most likely tokens until their probabilities add up to this, within (0, 1]; 1 keeps all.")
        .Add(o => o.RepetitionPenalty, "Makes tokens less likely that the text already contains; positive, 1 changes nothing.")
        .Add(o => o.StopStrings, "Text at which the continuation ends, without that text; repeat the option for several.",
            alias: "--stop")
        .Add(o => o.ContextOverflow, "What to do if the text outgrows the model's context: slide drops its beginning, refuse is an error.")
        .Add(o => o.Seed, "Seed of the sampling; the same seed gives the same text.");

    public override int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        GenerationOptions options = _settings.Read(parsed);
        _settings.RefuseTyped(parsed, options.Unused());
        string prompt = parsed.GetValue(_prompt) ?? WithoutLastLineBreak(StrictText.All(Terminal.In, "Standard input"));
        using ReversibleLmTransformer model = _model.Load(Context(parsed), parsed);
        return Write(model.GenerateAsync(prompt, options, cancellationToken), prompt).GetAwaiter().GetResult();
    }

    private async Task<int> Write(IAsyncEnumerable<string> pieces, string prompt)
    {
        await Terminal.Out.WriteAsync(prompt);
        await Terminal.Out.FlushAsync();
        await foreach (string piece in pieces)
        {
            await Terminal.Out.WriteAsync(piece);
            await Terminal.Out.FlushAsync();
        }
        // A terminal needs a line break before the next prompt; a file gets the text alone.
        if (Terminal.OutIsScreen) await Terminal.Out.WriteLineAsync();
        return ExitCode.Done;
    }

    private static Option<string?> Prompt() => new("--prompt")
    {
        Description = "The text to continue; an empty prompt starts a new text. Default: standard input, without its last line break.",
        HelpName = "TEXT",
    };

    private static string WithoutLastLineBreak(string text) =>
        text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2] : text.EndsWith('\n') ? text[..^1] : text;
}
