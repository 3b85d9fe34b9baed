using Microsoft.Extensions.AI;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>Reads the messages and options of a request. What cannot be done is refused by name.</summary>
internal static class ChatRequest
{
    /// <summary>What a response's additional properties call the number of turns that were left out.</summary>
    public const string DroppedTurns = "DroppedTurns";

    private const string Penalty = "use a RepetitionPenalty of GenerationOptions, by RawRepresentationFactory";

    /// <summary>Returns the turns of messages, with the instructions of the options as or before the first system turn.</summary>
    /// <exception cref="NotSupportedException">A message holds something other than text.</exception>
    /// <exception cref="ArgumentException">A message is null, or its role is not system, user or assistant.</exception>
    public static List<ChatTurn> Turns(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        List<ChatTurn> turns = [.. messages.Select(message => new ChatTurn(
            (message ?? throw new ArgumentException("A message must not be null.", nameof(messages))).Role.Value, TextOf(message)))];
        if (options?.Instructions is not { Length: > 0 } instructions) return turns;
        if (turns is [{ Role: ChatTurn.SystemRole } first, ..])
            turns[0] = first with { Content = $"{instructions}\n\n{first.Content}" };
        else
            turns.Insert(0, new(ChatTurn.SystemRole, instructions));
        return turns;
    }

    /// <summary>Returns the options of generation, except for the number of tokens.</summary>
    /// <param name="options">The options of the request.</param>
    /// <param name="client">The client, for the factory of options.</param>
    /// <param name="modelId">The client's model.</param>
    /// <exception cref="NotSupportedException">An option cannot be honoured; the message names it.</exception>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it and the range.</exception>
    public static GenerationOptions Generation(ChatOptions? options, IChatClient client, string modelId)
    {
        if (options is null) return new() { Seed = Random.Shared.Next() };
        Refuse(options, modelId);
        GenerationOptions own = Given(options, client)?.Checked() ?? new() { Seed = Random.Shared.Next() };
        own.Temperature = options.Temperature ?? own.Temperature;
        own.TopK = options.TopK ?? own.TopK;
        own.TopP = options.TopP ?? own.TopP;
        own.Seed = options.Seed is { } seed ? Seed(seed) : own.Seed;
        own.StopStrings = [.. own.StopStrings, .. options.StopSequences ?? []];
        if (own.StopStrings.Any(string.IsNullOrEmpty))
            throw new ArgumentException("StopSequences must not contain an empty string or null.", nameof(options));
        // Providers take these with a temperature of 0, where they change nothing.
        if (own.Temperature == 0) (own.TopK, own.TopP, own.Seed) = (0, 1, 0);
        if (own.TopK == 1) (own.Temperature, own.TopP, own.Seed) = (1, 1, 0);
        return own;
    }

    private static string TextOf(ChatMessage message)
    {
        foreach (AIContent content in message.Contents)
            if (content is not TextContent)
                throw new NotSupportedException(
                    $"A message with the role {message.Role} holds {content.GetType().Name}, but this model reads text alone. " +
                    "Leave it out, or write it as text.");
        return message.Text;
    }

    private static GenerationOptions? Given(ChatOptions options, IChatClient client)
    {
        object? given = options.RawRepresentationFactory?.Invoke(client);
        return given is null or GenerationOptions
            ? (GenerationOptions?)given
            : throw new NotSupportedException(
                $"RawRepresentationFactory returned {given.GetType().Name}. For this client it must return GenerationOptions or null.");
    }

    private static int Seed(long seed) => seed is >= int.MinValue and <= int.MaxValue
        ? (int)seed
        : throw new ArgumentOutOfRangeException(
            nameof(ChatOptions.Seed), seed, $"Seed must be within {int.MinValue} to {int.MaxValue}.");

    private static void Refuse(ChatOptions options, string modelId)
    {
        if (options.MaxOutputTokens < 1)
            throw new ArgumentOutOfRangeException(
                nameof(options.MaxOutputTokens), options.MaxOutputTokens, "MaxOutputTokens must be at least 1, or null.");
        if (options.Tools is { Count: > 0 } && options.ToolMode is not NoneChatToolMode)
            throw Unsupported(nameof(options.Tools), "the chat formats have no tools");
        if (options.ToolMode is RequiredChatToolMode) throw Unsupported(nameof(options.ToolMode), "the chat formats have no tools");
        if (options.ResponseFormat is not (null or ChatResponseFormatText))
            throw Unsupported(nameof(options.ResponseFormat), "the answer is text of no given form");
        if (options.FrequencyPenalty is not (null or 0))
            throw Unsupported(nameof(options.FrequencyPenalty), Penalty);
        if (options.PresencePenalty is not (null or 0))
            throw Unsupported(nameof(options.PresencePenalty), Penalty);
        if (options.Reasoning is { Effort: not (null or ReasoningEffort.None) })
            throw Unsupported(nameof(options.Reasoning), "the chat formats have no reasoning");
        if (options.ConversationId is not null)
            throw Unsupported(nameof(options.ConversationId), "the client keeps no conversations: send all messages each time");
#pragma warning disable MEAI001 // The property is experimental; a token must not be passed over.
        if (options.ContinuationToken is not null)
            throw Unsupported(nameof(options.ContinuationToken), "an answer cannot be taken up again");
#pragma warning restore MEAI001
        if (options.ModelId is { } id && id != modelId)
            throw Unsupported(nameof(options.ModelId), $"the client's model is '{modelId}', not '{id}'");
    }

    private static NotSupportedException Unsupported(string option, string reason) =>
        new($"The chat option {option} is not supported: {reason}. Leave it null.");
}
