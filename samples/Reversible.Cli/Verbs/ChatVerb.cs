using System.CommandLine;
using System.Text;
using Microsoft.Extensions.AI;
using Microsoft.ML.Reversible.Cli.Options;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>Answers user turns, which are read line by line.</summary>
internal sealed class ChatVerb : Verb
{
    private const string ResetCommand = "/reset", ExitCommand = "/exit";

    private readonly ModelInput _model;
    private readonly Option<string?> _system, _format;
    private readonly Option<ChatOverflow> _overflow;
    private readonly Option<bool> _json;
    private readonly SettingTable<GenerationOptions> _settings;

    public ChatVerb(Terminal terminal)
        : this(terminal, new ModelInput(), System(), Format(), Overflow(), Json(), Settings())
    {
    }

    private ChatVerb(
        Terminal terminal, ModelInput model, Option<string?> system, Option<string?> format, Option<ChatOverflow> overflow,
        Option<bool> json, SettingTable<GenerationOptions> settings)
        : base(
            terminal, "chat",
            "Answers the lines of standard input as turns of one conversation. On a terminal, /reset begins a new one and /exit ends; " +
            "Ctrl+C stops the answer, and a second one ends.",
            "--model FOLDER [--system TEXT] [--format NAME] [options]",
            [
                new OptionGroup("Model and conversation", [.. model.Options, system, format, overflow]), .. settings.Groups,
                new OptionGroup("Output", [json]),
            ]) =>
        (_model, _system, _format, _overflow, _json, _settings) = (model, system, format, overflow, json, settings);

    public override IReadOnlyList<(string What, string Command)> Examples =>
    [
        ("A conversation on the terminal:", "chat --model model --system \"Answer briefly.\" --temperature 0.7"),
        ("An answer to each line of a file:", "chat --model model --format zephyr --temperature 0 --json < questions.txt"),
    ];

    /// <summary>The options that set properties of <see cref="GenerationOptions"/>.</summary>
    public static SettingTable<GenerationOptions> Settings() => new SettingTable<GenerationOptions>()
        .Group("Sampling")
        .Add(o => o.MaxTokens, "Maximum number of tokens of an answer, at least 1; the end of the turn or a stop string ends it earlier.",
            byDefault: "what is left of the context")
        .Add(o => o.Temperature, "Divides the logits by this, at least 0; 0 takes the most likely token.")
        .Add(o => o.TopK, "Keeps this number of most likely tokens, at least 0; 0 keeps all.")
        .Add(o => o.TopP, "Keeps the most likely tokens until their probabilities add up to this, within (0, 1]; 1 keeps all.")
        .Add(o => o.RepetitionPenalty, "Makes tokens less likely that the conversation already contains; positive, 1 changes nothing.")
        .Add(o => o.StopStrings, "Text at which an answer ends, without that text; repeat the option for several.", alias: "--stop")
        .Add(o => o.Seed, "Seed of the sampling of the first answer, one more for each next; the same seed gives the same answers.");

    public override int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        GenerationOptions options = _settings.Read(parsed);
        _settings.RefuseTyped(parsed, options.Unused());
        options.Checked();
        int? most = _settings.WasTyped(parsed, nameof(options.MaxTokens)) ? options.MaxTokens : null;
        if (most < 1) throw new UsageException("--max-tokens must be at least 1.");
        ChatFormat? format = parsed.GetValue(_format) is { } name ? ChatFormat.Parse(name) : null;

        using ReversibleLmTransformer model = _model.Load(Context(parsed), parsed);
        format ??= ChatFormat.Detect(model);
        if (parsed.GetValue(_system) is { } system) format = format.WithDefaultSystem(system);
        using IChatClient client = model.AsIChatClient(format, parsed.GetValue(_overflow));
        var chat = new Chat(client, options, most, Terminal, parsed.GetValue(_json));
        while (NextLine(chat, cancellationToken) is { } line)
        {
            if (line == ExitCommand) break;
            if (line == ResetCommand) chat.Reset();
            // On a terminal an empty line is a slip; in a file it is a turn, so that each line has an answer.
            else if (line.Length > 0 || !Terminal.InIsScreen) chat.Answer(line, cancellationToken);
        }
        return ExitCode.Done;
    }

    private string? NextLine(Chat chat, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!Terminal.InIsScreen) return StrictText.Line(Terminal.In, "Standard input");
        chat.Invite();
        return Terminal.Interrupts.Wait(() => StrictText.Line(Terminal.In, "Standard input"));
    }

    private static Option<string?> System() => new("--system")
    {
        Description = "Instructions for the whole conversation. Default: those of the model's chat template, if it has any.",
        HelpName = "TEXT",
    };

    private static Option<string?> Format() => new("--format")
    {
        Description = $"The chat format: {string.Join(", ", ChatFormat.All)}. Default: the one of the tokenizer's chat template or tokens.",
        HelpName = "NAME",
    };

    private static Option<ChatOverflow> Overflow() => new("--overflow")
    {
        Description = "What to do if the conversation outgrows the model's context: drop-oldest leaves out its oldest turns, refuse is " +
            "an error. Default: drop-oldest.",
        HelpName = OptionValue.Placeholder(typeof(ChatOverflow)),
        CustomParser = OptionValue.Parse<ChatOverflow>,
        DefaultValueFactory = _ => ChatOverflow.DropOldest,
    };

    private static Option<bool> Json() =>
        JsonOption("user, assistant, finish_reason, input_tokens, output_tokens and dropped_turns for each answer");

    /// <summary>A conversation that is shown as it goes on.</summary>
    private sealed class Chat(IChatClient client, GenerationOptions options, int? most, Terminal terminal, bool json)
    {
        private readonly List<ChatMessage> _messages = [];
        private int _answers;

        /// <summary>Asks for a line.</summary>
        public void Invite()
        {
            if (json) return;
            terminal.Out.Write("> ");
            terminal.Out.Flush();
        }

        /// <summary>Forgets all turns.</summary>
        public void Reset() => _messages.Clear();

        /// <summary>Answers a user turn. On a terminal, Ctrl+C stops the answer, and a turn that is refused is left out.</summary>
        public void Answer(string user, CancellationToken cancellationToken)
        {
            _messages.Add(new(ChatRole.User, user));
            if (!terminal.InIsScreen)
            {
                AnswerAsync(user, cancellationToken).GetAwaiter().GetResult();
                return;
            }
            try
            {
                terminal.Interrupts.Answer(stop =>
                {
                    using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, cancellationToken);
                    AnswerAsync(user, either.Token).GetAwaiter().GetResult();
                });
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                terminal.Out.WriteLine();
            }
            catch (ArgumentException e)
            {
                _messages.RemoveAt(_messages.Count - 1);
                terminal.Error.WriteLine($"{CommandLine.Name}: {ExitCode.Describe(e)}");
            }
        }

        private async Task AnswerAsync(string user, CancellationToken cancellationToken)
        {
            var text = new StringBuilder();
            ChatFinishReason? reason = null;
            UsageDetails? usage = null;
            long dropped = 0;
            try
            {
                await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(_messages, Options(), cancellationToken))
                {
                    text.Append(update.Text);
                    Show(update.Text);
                    reason ??= update.FinishReason;
                    usage ??= update.Contents.OfType<UsageContent>().FirstOrDefault()?.Details;
                    if (update.AdditionalProperties?.TryGetValue("DroppedTurns", out int count) == true) dropped = count;
                }
            }
            catch (OperationCanceledException)
            {
                // What was shown stays a part of the conversation, and its seed is used up.
                Keep(text.ToString());
                throw;
            }
            Keep(text.ToString());
            if (dropped > 0)
                terminal.Error.WriteLine($"{CommandLine.Name}: The {dropped} oldest turns were left out: the context is full.");
            if (json)
                new JsonLine().Add("user", user).Add("assistant", text.ToString()).Add("finish_reason", reason?.Value ?? "")
                    .Add("input_tokens", usage?.InputTokenCount ?? 0).Add("output_tokens", usage?.OutputTokenCount ?? 0)
                    .Add("dropped_turns", dropped).WriteTo(terminal.Out);
            else
                terminal.Out.WriteLine();
        }

        private void Keep(string answer)
        {
            _messages.Add(new(ChatRole.Assistant, answer));
            _answers++;
        }

        private void Show(string piece)
        {
            if (json) return;
            terminal.Out.Write(piece);
            terminal.Out.Flush();
        }

        private ChatOptions Options() => new()
        {
            MaxOutputTokens = most,
            RawRepresentationFactory = _ => options,
            Seed = options.Temperature == 0 || options.TopK == 1 ? null : unchecked(options.Seed + _answers),
        };
    }
}
