using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Microsoft.ML.Reversible.Data;

/// <summary>The tokens of conversations in memory, each with whether it is learned.</summary>
/// <remarks>
/// A conversation is cut after its most tokens, and after its last learned token: what follows is the target of nothing. One without a
/// learned token in the rest is left out. The first token is never a target.
/// </remarks>
/// <param name="mostTokens">The most tokens of a conversation, at least 2: the inputs of a window and the last target.</param>
internal sealed class ConversationTokens(int mostTokens) : IDisposable
{
    // A learned token is stored as the complement of its id.
    private readonly List<int> _tokens = [];
    private readonly List<int> _ends = [0];
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Number of conversations that were kept.</summary>
    public int Count => _ends.Count - 1;

    /// <summary>Number of their tokens.</summary>
    public long TokenCount => _tokens.Count;

    /// <summary>Number of their learned tokens.</summary>
    public long LearnedCount { get; private set; }

    /// <summary>Number of conversations that were longer than the most tokens and kept.</summary>
    public int Truncated { get; private set; }

    /// <summary>Number of conversations that were left out.</summary>
    public int Dropped { get; private set; }

    /// <summary>Adds a conversation.</summary>
    /// <param name="ids">The ids of its tokens.</param>
    /// <param name="learned">Whether each is learned, of the same length.</param>
    /// <exception cref="InvalidOperationException">All conversations together have too many tokens.</exception>
    public void Add(ReadOnlySpan<int> ids, ReadOnlySpan<bool> learned)
    {
        int whole = learned.LastIndexOf(true) + 1;
        int length = learned[..Math.Min(whole, mostTokens)].LastIndexOf(true) + 1;
        if (length < 2)
        {
            Dropped++;
            return;
        }
        if (_tokens.Count > Array.MaxLength - length)
            throw new InvalidOperationException($"The conversations have more than {Array.MaxLength} tokens. Train on a part of them.");
        if (whole > mostTokens) Truncated++;
        for (int i = 0; i < length; i++)
        {
            bool isLearned = i > 0 && learned[i];
            if (isLearned) LearnedCount++;
            _tokens.Add(isLearned ? ~ids[i] : ids[i]);
        }
        _ends.Add(_tokens.Count);
        AddToHash(CollectionsMarshal.AsSpan(_tokens)[^length..]);
    }

    /// <summary>Returns the number of a conversation's inputs: its tokens except the last, which is only a target.</summary>
    public int InputsOf(int conversation) => _ends[conversation + 1] - _ends[conversation] - 1;

    /// <summary>Reads a conversation's inputs, and the token after each as its target.</summary>
    /// <param name="conversation">The conversation's number.</param>
    /// <param name="inputs">Receives the inputs, of the length of <see cref="InputsOf"/>.</param>
    /// <param name="targets">Receives the targets, of the same length; <see cref="TokenBatch.Ignored"/> if they are not learned.</param>
    public void Read(int conversation, Span<long> inputs, Span<long> targets)
    {
        ReadOnlySpan<int> tokens = CollectionsMarshal.AsSpan(_tokens)[_ends[conversation].._ends[conversation + 1]];
        for (int i = 0; i + 1 < tokens.Length; i++)
        {
            inputs[i] = tokens[i] < 0 ? ~tokens[i] : tokens[i];
            targets[i] = tokens[i + 1] < 0 ? ~tokens[i + 1] : TokenBatch.Ignored;
        }
    }

    /// <summary>Returns the SHA-256 of the conversations so far, as lower-case hexadecimal digits.</summary>
    public string Hash() => Convert.ToHexString(_hash.GetCurrentHash()).ToLowerInvariant();

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();

    private void AddToHash(ReadOnlySpan<int> tokens)
    {
        var bytes = new byte[(tokens.Length + 1) * sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, tokens.Length);
        for (int i = 0; i < tokens.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan((i + 1) * sizeof(int)), tokens[i]);
        _hash.AppendData(bytes);
    }
}
