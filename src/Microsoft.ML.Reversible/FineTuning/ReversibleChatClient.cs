using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.AI;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>Answers conversations with a language model. Safe to use for several requests at once.</summary>
internal sealed class ReversibleChatClient : IChatClient
{
    private const string Provider = "reversible";

    private readonly ReversibleLmTransformer _model;
    private readonly ChatEncoder _encoder;
    private readonly ChatOverflow _overflow;
    private readonly bool _ownsModel;
    private readonly ChatClientMetadata _metadata;
    private readonly string _modelId;

    /// <summary>Makes the client.</summary>
    /// <param name="model">The model.</param>
    /// <param name="encoder">Encodes conversations for the model's tokenizer.</param>
    /// <param name="overflow">What to do about a conversation that is too long.</param>
    /// <param name="ownsModel">Whether disposing the client disposes the model.</param>
    /// <param name="modelId">The model's id; null takes the family's name.</param>
    public ReversibleChatClient(
        ReversibleLmTransformer model, ChatEncoder encoder, ChatOverflow overflow, bool ownsModel, string? modelId)
    {
        (_model, _encoder, _overflow, _ownsModel) = (model, encoder, overflow, ownsModel);
        _modelId = modelId ?? ModelFamilyRow.Of(model.Configuration.Family).ModelType;
        _metadata = new(Provider, providerUri: null, _modelId);
    }

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        Conversation conversation = Prepare(messages, options);
        var text = new StringBuilder();
        var end = new End();
        await foreach (string piece in Pieces(conversation, end, cancellationToken).ConfigureAwait(false)) text.Append(piece);
        return new(new ChatMessage(ChatRole.Assistant, text.ToString()) { MessageId = conversation.Id })
        {
            ResponseId = conversation.Id,
            ModelId = _modelId,
            CreatedAt = conversation.Start,
            FinishReason = end.Reason,
            Usage = conversation.Usage(end),
            AdditionalProperties = conversation.Properties(),
        };
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        // Checks the request, so that this call throws and not the enumeration.
        return Updates(Prepare(messages, options), cancellationToken);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        return ((object[])[this, _metadata, _model, _encoder.Format]).FirstOrDefault(serviceType.IsInstanceOfType);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsModel) _model.Dispose();
    }

    private Conversation Prepare(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        GenerationOptions generation = ChatRequest.Generation(options, this, _modelId);
        List<ChatTurn> turns = ChatRequest.Turns(messages, options);
        LanguageModel model = _model.Model;
        int context = model.Network.Configuration.ContextLength, given = turns.Count;
        int room = options?.MaxOutputTokens ?? (_overflow == ChatOverflow.DropOldest ? Math.Max(1, context / 4) : 1);
        int[] ids = _encoder.EncodePrompt(turns);
        while (ids.Length > context - room)
        {
            if (_overflow == ChatOverflow.DropOldest && DropOldest(turns)) ids = _encoder.EncodePrompt(turns);
            // Nothing can be left out: a single free token is then enough, unless a number was asked for.
            else if (options?.MaxOutputTokens is null && ids.Length < context) break;
            else throw TooLong(ids.Length, options?.MaxOutputTokens, context);
        }
        generation.MaxTokens = options?.MaxOutputTokens ?? context - ids.Length;
        generation.ContextOverflow = ContextOverflow.Refuse;
        var prompt = new Prompt(ids, () => model.Tokenizer.CreateDecoder(continuation: true)) { OwnEnds = _encoder.EndOfTurnIds };
        return new(prompt, generation.Checked(), given - turns.Count);
    }

    /// <summary>Removes the oldest exchange: the turns before the second user turn, except the system turn.</summary>
    private static bool DropOldest(List<ChatTurn> turns)
    {
        int first = turns[0].Role == ChatTurn.SystemRole ? 1 : 0;
        int next = first + 1 < turns.Count ? turns.FindIndex(first + 1, turn => turn.Role == ChatTurn.UserRole) : -1;
        if (next < 0) return false;
        turns.RemoveRange(first, next - first);
        return true;
    }

    private ArgumentException TooLong(int length, int? most, int context)
    {
        string answer = most is { } given ? $" and MaxOutputTokens, which is {given}, together exceed" : " leave no room for an answer in";
        string remedy = _overflow == ChatOverflow.Refuse ? ", or set overflow to DropOldest" : "";
        return new(
            $"The conversation's {length} tokens{answer} the model's context of {context} tokens. Shorten the conversation" +
            $"{(most is null ? "" : ", lower MaxOutputTokens")}{remedy}.");
    }

    private async IAsyncEnumerable<ChatResponseUpdate> Updates(
        Conversation conversation, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var end = new End();
        await foreach (string piece in Pieces(conversation, end, cancellationToken).ConfigureAwait(false))
            yield return Update(conversation, new TextContent(piece));
        ChatResponseUpdate last = Update(conversation, new UsageContent(conversation.Usage(end)));
        (last.FinishReason, last.AdditionalProperties) = (end.Reason, conversation.Properties());
        yield return last;
    }

    private ChatResponseUpdate Update(Conversation conversation, AIContent content) => new(ChatRole.Assistant, [content])
    {
        ResponseId = conversation.Id, MessageId = conversation.Id, ModelId = _modelId, CreatedAt = conversation.Start,
    };

    private async IAsyncEnumerable<string> Pieces(
        Conversation conversation, End end, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var run = new GenerationRun(_model.Model, [conversation.Prompt], conversation.Options);
        SequenceState row = run.Rows[0];
        var answer = new ChatAnswer(_encoder.Format.Layout);
        while (!row.IsFinished)
        {
            run.ThrowIfCancelled(cancellationToken);
            await Task.Run(run.Advance, CancellationToken.None).ConfigureAwait(false);
            end.OutputTokens = row.Ids.Count;
            bool reachedLimit = row.Ids.Count >= conversation.Options.MaxTokens && !row.Text.Stopped;
            end.Reason = reachedLimit ? ChatFinishReason.Length : ChatFinishReason.Stop;
            bool isComplete = row.IsFinished && !row.Text.Stopped && !reachedLimit;
            string piece = answer.Take(row.Text.Take(row.IsFinished), row.IsFinished, isComplete);
            if (piece.Length > 0) yield return piece;
        }
    }

    /// <summary>How an answer ended.</summary>
    private sealed class End
    {
        public ChatFinishReason Reason { get; set; }

        public int OutputTokens { get; set; }
    }

    /// <summary>A conversation to answer.</summary>
    private sealed record Conversation(Prompt Prompt, GenerationOptions Options, int Dropped)
    {
        public string Id { get; } = Guid.NewGuid().ToString("N");

        public DateTimeOffset Start { get; } = DateTimeOffset.UtcNow;

        public UsageDetails Usage(End end) => new()
        {
            InputTokenCount = Prompt.Ids.Count,
            OutputTokenCount = end.OutputTokens,
            TotalTokenCount = Prompt.Ids.Count + end.OutputTokens,
        };

        public AdditionalPropertiesDictionary? Properties() => Dropped == 0 ? null : new() { [ChatRequest.DroppedTurns] = Dropped };
    }
}
