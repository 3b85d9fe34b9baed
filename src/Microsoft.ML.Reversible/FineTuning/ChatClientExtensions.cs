using Microsoft.Extensions.AI;
using Microsoft.ML.Reversible.FineTuning;

namespace Microsoft.ML.Reversible;

/// <summary>Makes chat clients of language models.</summary>
public static class ChatClientExtensions
{
    /// <summary>
    /// Returns a client of Microsoft.Extensions.AI whose answers the model writes. It is safe to use for several requests at once.
    /// </summary>
    /// <remarks>
    /// <para>
    /// The messages are written in the chat format, and the answer ends at the format's end-of-turn token or at an id that ends a text.
    /// Messages hold text and have the roles system, user and assistant; other roles and contents are refused.
    /// </para>
    /// <para>
    /// Of <see cref="ChatOptions"/>, these are used: Instructions (a system turn, before the conversation's own), MaxOutputTokens (by
    /// default what is left of the context), Temperature (by default 1; 0 takes the most likely token), TopK, TopP, StopSequences, and Seed
    /// (a whole number of 32 bits; by default each request draws its own). RawRepresentationFactory may return
    /// <see cref="GenerationOptions"/> to start from, for example with a repetition penalty; its MaxTokens and ContextOverflow are not
    /// used. Tools, JSON as the response format, frequency
    /// and presence penalties, reasoning, conversation ids, continuation tokens and another model's id are refused with a
    /// <see cref="NotSupportedException"/>. AdditionalProperties are not read.
    /// </para>
    /// <para>
    /// A response counts the tokens of the prompt and of the answer, without the token that ends it. Its finish reason is length if the
    /// answer reached MaxOutputTokens or filled the context. <see cref="IChatClient.GetService"/> returns the metadata, the model and its
    /// format.
    /// </para>
    /// </remarks>
    /// <param name="model">The model, which must have a tokenizer.</param>
    /// <param name="format">The chat format; null finds it with <see cref="ChatFormat.Detect(ReversibleLmTransformer)"/>.</param>
    /// <param name="overflow">What to do about a conversation that leaves too little of the context for the answer.</param>
    /// <param name="ownsModel">Whether disposing the client disposes the model.</param>
    /// <param name="modelId">The model's id in responses and metadata; null takes the family's name.</param>
    /// <exception cref="ArgumentException">The tokenizer lacks a token of the format; the message names it.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The overflow is not a value of its enum.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    /// <exception cref="NotSupportedException">The format is not found; the message says what to do.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public static IChatClient AsIChatClient(
        this ReversibleLmTransformer model, ChatFormat? format = null, ChatOverflow overflow = ChatOverflow.Refuse, bool ownsModel = false,
        string? modelId = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (!Enum.IsDefined(overflow))
            throw new ArgumentOutOfRangeException(
                nameof(overflow), overflow, $"overflow must be one of {string.Join(", ", Enum.GetNames<ChatOverflow>())}.");
        var encoder = new ChatEncoder(model.Model.Tokenizer, format ?? ChatFormat.Detect(model));
        return new ReversibleChatClient(model, encoder, overflow, ownsModel, modelId);
    }
}

/// <summary>What to do about a conversation that leaves too little of the model's context for the answer.</summary>
public enum ChatOverflow
{
    /// <summary>
    /// Throws an <see cref="ArgumentException"/> if the conversation's tokens and MaxOutputTokens together exceed the context or, without
    /// MaxOutputTokens, if the conversation fills it.
    /// </summary>
    Refuse,

    /// <summary>
    /// Leaves out the oldest turns after the system turn, in whole exchanges that begin with a user turn, until MaxOutputTokens fit or,
    /// without MaxOutputTokens, a quarter of the context is free. The response's additional property DroppedTurns says how many turns were
    /// left out. The last user turn and what follows it stay; if they do not fit, an <see cref="ArgumentException"/> is thrown.
    /// </summary>
    DropOldest,
}
