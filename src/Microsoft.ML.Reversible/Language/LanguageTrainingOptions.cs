using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Training;
using Microsoft.ML.Tokenizers;
using static Microsoft.ML.Reversible.Training.OptionChecks;

namespace Microsoft.ML.Reversible;

/// <summary>The options of every trainer of a language model: the column, its tokens and windows, and what keeps its weights.</summary>
public abstract class LanguageTrainingOptions : TrainingOptions
{
    internal LanguageTrainingOptions()
    {
    }

    /// <summary>
    /// The column to train on and later to score: text, or vectors of token ids (Int32 or UInt32).
    /// </summary>
    [NotInFingerprint("the data's hash is compared")]
    public string TextColumnName { get; set; } = "Text";

    /// <summary>The output column with the log-likelihood of a row's text, nats.</summary>
    [NotInFingerprint("it names an output")]
    public string LogLikelihoodColumnName { get; set; } = "LogLikelihood";

    /// <summary>The output column with the number of tokens of a row's text.</summary>
    [NotInFingerprint("it names an output")]
    public string TokenCountColumnName { get; set; } = "TokenCount";

    /// <summary>The output column with the perplexity of a row's text.</summary>
    [NotInFingerprint("it names an output")]
    public string PerplexityColumnName { get; set; } = "Perplexity";

    /// <summary>Tokens that a window holds, at least 1 and at most what the model holds.</summary>
    public int ContextLength { get; set; } = 128;

    /// <summary>
    /// A tokenizer to use instead of one that is learned or loaded with the model. Microsoft.ML.Tokenizers does not write files, so
    /// folders and checkpoints are saved without it and are given it again when they are loaded, and a zip is refused.
    /// </summary>
    /// <remarks>
    /// A <see cref="LlamaTokenizer"/> of Microsoft.ML.Tokenizers 2.0 applies the rightmost of equal merges first, and SentencePiece the
    /// leftmost, so that runs of a character get other ids ("aaa"). The trainer logs a warning; <see cref="TokenizerPath"/> reads
    /// the same file without this fault.
    /// </remarks>
    [NotInFingerprint("the tokenizers' hashes are compared")]
    public Tokenizer? Tokenizer { get; set; }

    /// <summary>
    /// A folder with tokenizer files, or one such file, to use instead: <c>tokenizer.json</c>, <c>tokenizer.model</c>
    /// of SentencePiece, <c>vocab.json</c> with <c>merges.txt</c>, <c>encoder.json</c> with <c>vocab.bpe</c>, or <c>*.tiktoken</c>.
    /// </summary>
    [NotInFingerprint("the tokenizers' hashes are compared")]
    public string? TokenizerPath { get; set; }

    /// <summary>
    /// The id of the token that ends a document, at least 0. Null takes the tokenizer's; a column of token ids without a tokenizer then
    /// has none. Models that never saw their tokenizer's, such as those of llama2.c, may have another, such as begin-of-text.
    /// </summary>
    [NotInFingerprint("it is part of the tokenizer's hash")]
    public int? EndOfTextId { get; set; }

    /// <summary>
    /// The file in which the column's tokens are kept and from which they are read as they are needed, so that the corpus may be larger
    /// than memory; it is used again where the text and the tokenizer have not changed. Null keeps them in a temporary file.
    /// </summary>
    [NotInFingerprint("where tokens are kept decides no number")]
    public string? TokenCachePath { get; set; }

    /// <summary>Whether a window may hold the end of one row and the beginning of the next.</summary>
    public DocumentBoundaries DocumentBoundaries { get; set; } = DocumentBoundaries.PackOver;

    /// <summary>
    /// Whether the embedding keeps its weights, and with it a head that shares its matrix: for fine-tuning of a model that has them.
    /// </summary>
    public bool FreezeEmbedding { get; set; }

    /// <summary>
    /// How many blocks, from the first, keep their weights; within [0, the number of layers]. Where the embedding is frozen too, the
    /// backward pass ends above them.
    /// </summary>
    public int FrozenLayerCount { get; set; }

    /// <summary>Told how far the text has been tokenized.</summary>
    [NotInFingerprint("it only listens")]
    public IProgress<TokenizationProgress>? TokenizationProgress { get; set; }

    internal override int UnitsPerExample => ContextLength;

    /// <summary>The data as a run cuts it.</summary>
    /// <param name="tokens">The data.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="fixedPlaces">Whether training windows lie at the same places in every epoch.</param>
    internal TokenWindows Windows(TokenCache tokens, int seed, bool fixedPlaces = false) =>
        new(tokens, ContextLength, ValidationFraction, DocumentBoundaries, seed, fixedPlaces);

    internal override void CheckRanges()
    {
        Named(TextColumnName, nameof(TextColumnName));
        Named(LogLikelihoodColumnName, nameof(LogLikelihoodColumnName));
        Named(TokenCountColumnName, nameof(TokenCountColumnName));
        Named(PerplexityColumnName, nameof(PerplexityColumnName));
        string[] outputs = [LogLikelihoodColumnName, TokenCountColumnName, PerplexityColumnName];
        if (outputs.Distinct().Count() < outputs.Length)
            throw new ArgumentException($"The output columns must have different names, not {string.Join(", ", outputs)}.");

        AtLeast(1, ContextLength, nameof(ContextLength));
        AtLeast(0, FrozenLayerCount, nameof(FrozenLayerCount));
        Defined(DocumentBoundaries, nameof(DocumentBoundaries));
        NotBlank(TokenizerPath, nameof(TokenizerPath));
        NotBlank(TokenCachePath, nameof(TokenCachePath));
        if (Tokenizer is not null && TokenizerPath is not null)
            throw new ArgumentException("Tokenizer and TokenizerPath must not both be given.", nameof(TokenizerPath));
        if (EndOfTextId is { } id) AtLeast(0, id, nameof(EndOfTextId));
        base.CheckRanges();
        Require((long)BatchSize * ContextLength <= 1 << 30, nameof(BatchSize), BatchSize,
            $"so small that BatchSize times ContextLength, which is {ContextLength}, is at most 2^30 tokens");
    }
}
