namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>The tokens of a vocabulary together with those that other files add to it.</summary>
internal sealed class TokenTable
{
    /// <summary>The most ids without a token, in addition to as many as there are tokens: a damaged file may have any id.</summary>
    private const int MostGaps = 1000;

    private TokenTable(string[] texts, IReadOnlyList<AddedToken> added, int leastModelSize)
    {
        (Texts, LeastModelSize) = (texts, leastModelSize);
        Controls = [.. added.Where(token => token.IsSpecial).Select(token => token.Id)];
        for (int id = 0; id < texts.Length; id++)
            if (texts[id].Length == 0) Controls.Add(id);
        Literals = added.Where(token => !token.IsSpecial).ToDictionary(token => token.Id);
        Specials = added.Where(token => token.IsSpecial).ToDictionary(token => token.Id);
    }

    /// <summary>The tokens by id; empty for an id without a token.</summary>
    public string[] Texts { get; }

    /// <summary>The ids of added special tokens, and those without a token.</summary>
    public HashSet<int> Controls { get; }

    /// <summary>The other added tokens, which are found in text before anything else.</summary>
    public Dictionary<int, AddedToken> Literals { get; }

    /// <summary>The added special tokens, which are found in text where that is asked for.</summary>
    public Dictionary<int, AddedToken> Specials { get; }

    /// <summary>One more than the greatest id of a token that is not added: a model has at least this number of ids.</summary>
    public int LeastModelSize { get; }

    /// <summary>Adds tokens to a vocabulary.</summary>
    /// <remarks>As in transformers, a token that is named to begin or end a text and that no file has gets the next id.</remarks>
    /// <param name="own">The vocabulary's tokens by id, at least one.</param>
    /// <param name="added">The tokens that its own file adds.</param>
    /// <param name="configuration">The other files, whose tokens replace equal ones of <paramref name="added"/>.</param>
    /// <param name="path">The vocabulary's file, for messages.</param>
    /// <exception cref="InvalidDataException">Tokens or ids occur twice.</exception>
    public static TokenTable Of(
        IReadOnlyDictionary<int, string> own, IEnumerable<AddedToken> added, TokenizerConfiguration configuration, string path)
    {
        var texts = new Dictionary<int, string>(own);
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach ((int id, string text) in own) ids.TryAdd(text, id);
        var byId = new Dictionary<int, AddedToken>();
        foreach (AddedToken token in added.Concat(configuration.Added)) Add(token);
        foreach (string? named in (string?[])[configuration.BeginOfText, configuration.EndOfText])
            if (named is not null && !ids.ContainsKey(named)) Add(new(texts.Keys.Max() + 1, named, IsSpecial: true, configuration.Path));

        int greatest = texts.Keys.Max();
        if (greatest >= 2L * texts.Count + MostGaps)
            throw TokenizerJson.Malformed(
                byId.GetValueOrDefault(greatest)?.Path ?? path, $"it has the id {greatest}, but there are only {texts.Count} tokens");
        int least = own.Keys.Where(id => !byId.ContainsKey(id)).DefaultIfEmpty(-1).Max() + 1;
        return new([.. Enumerable.Range(0, greatest + 1).Select(id => texts.GetValueOrDefault(id, ""))], [.. byId.Values], least);

        void Add(AddedToken token)
        {
            if (texts.TryGetValue(token.Id, out string? other) && other != token.Content)
                throw TokenizerJson.Malformed(token.Path, $"'{other}' and '{token.Content}' both have the id {token.Id}");
            if (ids.TryGetValue(token.Content, out int known) && known != token.Id)
                throw TokenizerJson.Malformed(token.Path, $"it adds '{token.Content}' as id {token.Id}, but this token has the id {known}");
            bool special = token.IsSpecial || configuration.SpecialNames.Contains(token.Content);
            (texts[token.Id], ids[token.Content], byId[token.Id]) = (token.Content, token.Id, token with { IsSpecial = special });
        }
    }
}
