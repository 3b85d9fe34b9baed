namespace Microsoft.ML.Tokenizers;

public sealed class LlamaTokenizer : SentencePieceTokenizer
{
    private LlamaTokenizer(SentencePieceModel model, bool addBegin, bool addEnd, IReadOnlyDictionary<string, int>? specialTokens)
        : base(model, addBegin, addEnd, specialTokens)
    {
    }

    public static LlamaTokenizer Create(
        Stream modelStream, bool addBeginOfSentence = true, bool addEndOfSentence = false,
        IReadOnlyDictionary<string, int>? specialTokens = null)
    {
        ArgumentNullException.ThrowIfNull(modelStream);
        var model = SentencePieceModel.Read(modelStream);
        if (model.ModelType != SentencePieceModel.Bpe)
            throw new ArgumentException("The model type is not Bpe.", nameof(modelStream));
        if (model.NormalizerName is not ("identity" or ""))
            throw new ArgumentException($"Normalization '{model.NormalizerName}' is not supported.", nameof(modelStream));
        return new LlamaTokenizer(model, addBeginOfSentence, addEndOfSentence, specialTokens);
    }
}
