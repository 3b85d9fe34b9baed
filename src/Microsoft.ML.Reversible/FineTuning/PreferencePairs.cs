using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.ML.Reversible.Data;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>The tokens of pairs of answers, each with its prompt, as rows of batches.</summary>
/// <remarks>
/// A row ends with its answer. A pair that is longer than the context loses tokens at the beginning of its prompt, the same number in both
/// rows, and answers that are longer than the context lose tokens at their ends. A batch has a pair's chosen answer in one row and its
/// rejected one in the next; its rows are padded to the longest. An epoch takes each pair once, in an order that depends on the seed and
/// the epoch.
/// </remarks>
/// <param name="context">The most inputs of a row, at least 1.</param>
/// <param name="tokenizerHash">The hash of the tokenizer.</param>
/// <param name="seed">Seeds the order of the pairs.</param>
internal sealed class PreferencePairs(int context, string tokenizerHash, int seed) : ITokenSource, IDisposable
{
    private const int OrderStream = 4;

    private readonly List<(AnswerTokens Chosen, AnswerTokens Rejected)> _pairs = [];
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private int? _heldOutFrom;

    /// <summary>Number of pairs that were kept.</summary>
    public int Count => _pairs.Count;

    /// <summary>Number of the pairs that are trained on.</summary>
    public int TrainingCount => _heldOutFrom ?? Count;

    /// <summary>Number of tokens of all rows.</summary>
    public long TokenCount { get; private set; }

    /// <summary>Number of tokens of all answers.</summary>
    public long AnswerTokenCount { get; private set; }

    /// <summary>Number of pairs that were truncated and kept.</summary>
    public int Truncated { get; private set; }

    /// <summary>Number of pairs that were left out.</summary>
    public int Dropped { get; private set; }

    /// <inheritdoc/>
    public string SourceHash =>
        $"{Convert.ToHexString(_hash.GetCurrentHash()).ToLowerInvariant()}-{TrainingCount.ToString(CultureInfo.InvariantCulture)}";

    /// <inheritdoc/>
    public string TokenizerHash => tokenizerHash;

    /// <inheritdoc/>
    public string Description =>
        string.Create(CultureInfo.InvariantCulture, $"{Count:N0} pairs of answers, {TrainingCount:N0} of them to train on");

    /// <inheritdoc/>
    public long WindowsPerEpoch => TrainingCount;

    /// <summary>Adds a pair. One whose rows are the same after the truncation has no preference and is left out.</summary>
    /// <exception cref="InvalidOperationException">All pairs together have too many tokens.</exception>
    public void Add(AnswerTokens chosen, AnswerTokens rejected)
    {
        int longest = Math.Max(chosen.Ids.Length, rejected.Ids.Length), most = context + 1;
        // At least one token stays before the answers, since the first token of a row is the target of none.
        int cut = Math.Clamp(longest - most, 0, Math.Max(0, Math.Min(chosen.First, rejected.First) - 1));
        bool isTruncated = longest > most;
        (chosen, rejected) = (chosen.Cut(cut, most), rejected.Cut(cut, most));
        if (chosen.Ids.AsSpan().SequenceEqual(rejected.Ids) || chosen.Count == 0 || rejected.Count == 0)
        {
            Dropped++;
            return;
        }
        if (isTruncated) Truncated++;
        _pairs.Add((chosen, rejected));
        AddToHash(chosen);
        AddToHash(rejected);
    }

    /// <summary>Holds out the pairs from one on.</summary>
    public void HoldOutFrom(int first) => _heldOutFrom = first;

    /// <inheritdoc/>
    public TokenBatch Training(long firstWindow, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstWindow);
        var pairs = new (AnswerTokens, AnswerTokens)[rows];
        for (int row = 0; row < rows; row++)
        {
            (long epoch, long place) = Math.DivRem(firstWindow + row, WindowsPerEpoch);
            pairs[row] = _pairs[(int)new WindowOrder(WindowsPerEpoch, seed, OrderStream, epoch)[place]];
        }
        return Batch(pairs);
    }

    /// <inheritdoc/>
    public IEnumerable<TokenBatch> HeldOut(int rows, long most = long.MaxValue) =>
        _pairs.Skip(TrainingCount).Take((int)Math.Min(most, int.MaxValue)).Chunk(rows).Select(Batch);

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();

    private static TokenBatch Batch((AnswerTokens Chosen, AnswerTokens Rejected)[] pairs)
    {
        AnswerTokens[] rows = [.. pairs.SelectMany(pair => new[] { pair.Chosen, pair.Rejected })];
        int length = rows.Max(row => row.Ids.Length) - 1;
        var inputs = new long[rows.Length * length];
        var targets = new long[inputs.Length];
        Array.Fill(targets, TokenBatch.Ignored);
        for (int row = 0; row < rows.Length; row++)
        {
            (int[] ids, bool[] isAnswer) = (rows[row].Ids, rows[row].IsAnswer);
            int at = row * length;
            for (int i = 0; i < length; i++)
            {
                // The padding repeats the last input, so that exact hidden states stay in range.
                inputs[at + i] = ids[Math.Min(i, ids.Length - 2)];
                if (i + 1 < ids.Length && isAnswer[i + 1]) targets[at + i] = ids[i + 1];
            }
        }
        return new(inputs, targets, rows.Length);
    }

    private void AddToHash(AnswerTokens row)
    {
        TokenCount += row.Ids.Length;
        AnswerTokenCount += row.Count;
        var bytes = new byte[(row.Ids.Length + 1) * sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, row.Ids.Length);
        for (int i = 0; i < row.Ids.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan((i + 1) * sizeof(int)), row.IsAnswer[i] ? ~row.Ids[i] : row.Ids[i]);
        _hash.AppendData(bytes);
    }
}

/// <summary>The tokens of a conversation whose last turn is an answer.</summary>
/// <param name="Ids">The ids, the last of them of the answer.</param>
/// <param name="IsAnswer">For each id, whether it is of the answer.</param>
internal sealed record AnswerTokens(int[] Ids, bool[] IsAnswer)
{
    /// <summary>The index of the answer's first token; the number of tokens if there is none.</summary>
    public int First => Array.IndexOf(IsAnswer, true) is >= 0 and var first ? first : Ids.Length;

    /// <summary>Number of tokens of the answer.</summary>
    public int Count => IsAnswer.Count(one => one);

    /// <summary>Returns the tokens without some at the beginning, at most a number of them, up to the last of the answer.</summary>
    public AnswerTokens Cut(int first, int most)
    {
        int end = Array.LastIndexOf(IsAnswer, true, Math.Min(IsAnswer.Length, first + most) - 1) + 1;
        return end <= first + 1 ? new([], []) : new(Ids[first..end], IsAnswer[first..end]);
    }

    /// <summary>Encodes a prompt with an answer.</summary>
    /// <exception cref="ArgumentException">The format does not have such a conversation, or the tokenizer cannot encode it.</exception>
    public static AnswerTokens Of(ChatEncoder encoder, IReadOnlyList<ChatTurn> prompt, string answer)
    {
        ChatTokens whole = encoder.Encode([.. prompt, new ChatTurn(ChatTurn.AssistantRole, answer)]);
        bool[] isAnswer = [.. whole.IsLearned];
        // Turns of the assistant in the prompt are learned by fine-tuning, but are not the answer.
        int others = prompt.Any(turn => turn.Role == ChatTurn.AssistantRole) ? encoder.Encode(prompt).IsLearned.Count(one => one) : 0;
        for (int i = 0; others > 0; i++)
        {
            if (!isAnswer[i]) continue;
            isAnswer[i] = false;
            others--;
        }
        if (isAnswer.Length > 0) isAnswer[0] = false;
        return new(whole.Ids, isAnswer);
    }
}
