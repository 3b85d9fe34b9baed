using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>
/// A tree of token sequences in one row of a batch, in which a common prefix is stored once. A token attends only to its ancestors and has
/// the position that it has in its sequence, so each sequence's result is the same as in a row of its own.
/// </summary>
internal sealed class TokenTree
{
    private readonly List<int> _ids = [];
    private readonly List<int> _parents = [];
    private readonly List<int> _positions = [];
    private readonly List<int> _path = [];

    /// <summary>A token that is predicted.</summary>
    /// <param name="Sequence">The number of the sequence that it belongs to.</param>
    /// <param name="Slot">The index in the row of the token that predicts it.</param>
    /// <param name="Target">The predicted token.</param>
    internal readonly record struct Prediction(int Sequence, int Slot, int Target);

    /// <summary>The number of tokens in the row.</summary>
    public int Count => _ids.Count;

    /// <summary>The tokens.</summary>
    public IReadOnlyList<int> Ids => _ids;

    /// <summary>The position of each token in its sequences.</summary>
    public IReadOnlyList<int> Positions => _positions;

    /// <summary>The predictions, ordered by sequence and token.</summary>
    public List<Prediction> Predictions { get; } = [];

    /// <summary>The number of sequences.</summary>
    public int SequenceCount { get; private set; }

    /// <summary>The number of tokens of the longest sequence.</summary>
    public int Longest { get; private set; }

    /// <summary>Whether the tree has a branch: a token whose parent is not the token before it in the row.</summary>
    public bool IsBranched { get; private set; }

    /// <summary>Returns the length of the prefix that a sequence shares with the one added last.</summary>
    public int Shared(ScoredTokens sequence)
    {
        int shared = 0, most = Math.Min(sequence.InputCount, _path.Count);
        while (shared < most && _ids[_path[shared]] == sequence.Ids[shared]) shared++;
        return shared;
    }

    /// <summary>
    /// Adds a sequence. Sequences must come in lexicographic order, so that the longest prefix a sequence shares with any earlier one is
    /// the prefix it shares with the previous one.
    /// </summary>
    public void Add(int number, ScoredTokens sequence)
    {
        int shared = Shared(sequence);
        _path.RemoveRange(shared, _path.Count - shared);
        for (int i = shared; i < sequence.InputCount; i++)
        {
            int parent = i == 0 ? -1 : _path[i - 1];
            IsBranched |= parent != _ids.Count - 1;
            _path.Add(_ids.Count);
            _ids.Add(sequence.Ids[i]);
            _parents.Add(parent);
            _positions.Add(i);
        }
        for (int i = sequence.InputCount - sequence.Scored; i < sequence.InputCount; i++)
            Predictions.Add(new(number, _path[i], sequence.Ids[i + 1]));
        SequenceCount++;
        Longest = Math.Max(Longest, sequence.InputCount);
    }

    /// <summary>Sets what each token attends to. Padding after the row attends to itself, because a softmax needs one element.</summary>
    /// <param name="mask">Of shape [padded, padded], all false.</param>
    /// <param name="padded">The row's length including padding.</param>
    public void Mark(Span<bool> mask, int padded)
    {
        for (int slot = 0; slot < padded; slot++)
        {
            if (slot < Count && _parents[slot] >= 0)
                mask.Slice(_parents[slot] * padded, slot).CopyTo(mask[(slot * padded)..]);
            mask[slot * padded + slot] = true;
        }
    }
}

/// <summary>Assigns sequences to rows, and rows to batches.</summary>
internal static class TokenTreePlan
{
    /// <summary>
    /// The number of tokens that a row may have beyond the context length. Attention then costs about as much as for a plain window.
    /// </summary>
    private const int BeyondContext = 512;

    /// <summary>
    /// Returns the cost of a token relative to attending to one other token. For a token, a layer takes about 12 width² products. Attending
    /// to another token takes 2 width products and, in each head, one exponential, which was measured to take as long as 60 products.
    /// </summary>
    public static double TokenCost(LanguageModelConfiguration model) =>
        12.0 * model.Width * model.Width / (2.0 * model.Width + 60.0 * model.HeadCount);

    /// <summary>Returns batches of rows, the longest rows first.</summary>
    /// <param name="sequences">The sequences. Those without scored tokens are left out.</param>
    /// <param name="context">The maximum number of tokens of a sequence.</param>
    /// <param name="tokenCost">The cost of a token relative to attending to one other token.</param>
    /// <param name="batchTokens">The maximum number of tokens in a batch, including padding. A longer row is a batch by itself.</param>
    /// <param name="longestShared">
    /// The maximum number of tokens of a sequence that shares a row, because results of longer ones depend on their length; null for any.
    /// </param>
    public static IEnumerable<TokenTree[]> Batches(
        ScoredTokens[] sequences, int context, double tokenCost, int batchTokens, int? longestShared = null)
    {
        List<TokenTree> trees = Trees(sequences, context + BeyondContext, tokenCost, longestShared ?? context);
        trees.Sort((a, b) => b.Count.CompareTo(a.Count));
        for (int first = 0, count; first < trees.Count; first += count)
        {
            count = Math.Clamp(batchTokens / trees[first].Count, 1, trees.Count - first);
            yield return [.. trees.GetRange(first, count)];
        }
    }

    private static List<TokenTree> Trees(ScoredTokens[] sequences, int most, double tokenCost, int longestShared)
    {
        int[] order = [.. Enumerable.Range(0, sequences.Length).Where(i => sequences[i].Scored > 0)];
        Array.Sort(order, (a, b) => sequences[a].Ids.AsSpan().SequenceCompareTo(sequences[b].Ids));
        var trees = new List<TokenTree>();
        foreach (int i in order)
        {
            if (trees.Count == 0 || !MayShare(trees[^1], sequences[i]) || !Fits(trees[^1], sequences[i], most, tokenCost))
                trees.Add(new TokenTree());
            trees[^1].Add(i, sequences[i]);
        }
        return trees;

        bool MayShare(TokenTree tree, ScoredTokens sequence) => Math.Max(tree.Longest, sequence.InputCount) <= longestShared;
    }

    /// <summary>Returns whether a sequence costs less in this row than in a row of its own.</summary>
    private static bool Fits(TokenTree tree, ScoredTokens sequence, int most, double tokenCost)
    {
        long alone = sequence.InputCount, longer = tree.Count + alone - tree.Shared(sequence);
        return longer <= most && Cost(longer) - Cost(tree.Count) < Cost(alone);

        double Cost(long tokens) => tokens * (tokenCost + tokens);
    }
}

/// <summary>Computes the log-likelihoods of a batch of rows.</summary>
/// <param name="network">The model's network.</param>
/// <param name="rows">The rows, at least one.</param>
internal sealed class TokenTreeBatch(LanguageNetwork network, TokenTree[] rows)
{
    /// <summary>The maximum number of logits in memory at a time: 64 MiB of float32.</summary>
    private const long ChunkElements = 16 << 20;

    private readonly int _length = rows.Max(row => row.Count);

    /// <summary>The score of one prediction.</summary>
    /// <param name="Sequence">The sequence that the prediction belongs to.</param>
    /// <param name="LogLikelihood">The log-probability of the token.</param>
    /// <param name="IsGreedy">Whether the token is the most likely one.</param>
    internal readonly record struct Result(int Sequence, float LogLikelihood, bool IsGreedy);

    /// <summary>A prediction, with its slot in the flattened batch.</summary>
    private readonly record struct Place(long Slot, int Sequence, long Target);

    /// <summary>Scores the predictions of all rows. Those of a sequence come in its order.</summary>
    public IEnumerable<Result> Run()
    {
        var results = new List<Result>();
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Place[] places =
        [
            .. rows.SelectMany((row, r) => row.Predictions.Select(p => new Place((long)r * _length + p.Slot, p.Sequence, p.Target)))
                .OrderBy(place => place.Slot),
        ];
        using Tensor states = HiddenStates();
        int most = (int)Math.Max(1, ChunkElements / network.Configuration.VocabularySize);
        for (int first = 0; first < places.Length;)
        {
            int end = first;
            var slots = new List<long>();
            // A slot may predict the first tokens of several continuations; its logits are computed once.
            for (; end < places.Length; end++)
            {
                if (slots.Count > 0 && slots[^1] == places[end].Slot) continue;
                if (slots.Count == most) break;
                slots.Add(places[end].Slot);
            }
            Predict(states, slots, places.AsSpan(first..end), results);
            first = end;
        }
        return results;
    }

    private void Predict(Tensor states, List<long> slots, ReadOnlySpan<Place> places, List<Result> results)
    {
        using var scope = NewDisposeScope();
        Device device = network.Device;
        long[] index = new long[places.Length], targets = new long[places.Length];
        for (int i = 0, slot = 0; i < places.Length; i++)
        {
            if (slots[slot] != places[i].Slot) slot++;
            (index[i], targets[i]) = (slot, places[i].Target);
        }
        Tensor hidden = network.FinalNorm(states.index_select(0, tensor(slots.ToArray(), device: device)));
        Tensor logits = nn.functional.log_softmax(network.Head(hidden), -1);
        Tensor best = logits.argmax(-1), at = tensor(index, device: device), target = tensor(targets, device: device);
        Tensor each = logits.flatten().index_select(0, at * logits.shape[1] + target).cpu();
        Tensor greedy = best.index_select(0, at).cpu();
        using var values = each.data<float>();
        using var tops = greedy.data<long>();
        for (int i = 0; i < places.Length; i++)
        {
            if (float.IsNaN(values[i])) throw LogLikelihoodScorer.NotFinite();
            results.Add(new(places[i].Sequence, values[i], tops[i] == targets[i]));
        }
    }

    /// <summary>Returns the last hidden states of all slots, of shape [rows * length, width].</summary>
    private Tensor HiddenStates()
    {
        using var scope = NewDisposeScope();
        bool isBranched = rows.Any(row => row.IsBranched);
        long[] ids = new long[rows.Length * _length], positions = new long[ids.Length];
        for (int r = 0; r < rows.Length; r++)
        {
            for (int i = 0; i < _length; i++)
            {
                // No token attends to the padding. It repeats a token of the row, so that exact hidden states stay in range.
                int slot = Math.Min(i, rows[r].Count - 1);
                (ids[r * _length + i], positions[r * _length + i]) = (rows[r].Ids[slot], rows[r].Positions[slot]);
            }
        }
        Device device = network.Device;
        Tensor input = tensor(ids, [rows.Length, _length], device: device);
        int[] lengths = Array.ConvertAll(rows, row => row.Longest);
        using CachePass pass = isBranched
            ? new TreePass(lengths, tensor(positions, [rows.Length, _length], device: device), Mask())
            : new TreePass(lengths);
        return network.Stack.Evaluate(network.Embed(input, pass.Positions), pass).flatten(0, 1).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Returns the additive attention mask: 0 where a token attends to another, otherwise -∞. Given a Boolean mask, attention would convert
    /// it to this one in every layer.
    /// </summary>
    private Tensor Mask()
    {
        using var scope = NewDisposeScope();
        int area = _length * _length;
        var mask = new bool[rows.Length * area];
        for (int r = 0; r < rows.Length; r++) rows[r].Mark(mask.AsSpan(r * area, area), _length);
        Tensor sees = tensor(mask, [rows.Length, 1, _length, _length], device: network.Device);
        return zeros(sees.shape, dtype: network.Compute, device: network.Device)
            .masked_fill_(sees.logical_not(), double.NegativeInfinity).MoveToOuterDisposeScope();
    }
}
