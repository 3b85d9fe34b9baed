using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Stack;
using Microsoft.ML.Reversible.Training;
using Microsoft.ML.Tokenizers;
using static Microsoft.ML.Reversible.Training.OptionChecks;

namespace Microsoft.ML.Reversible;

/// <summary>The options that all trainers of language models share: the column, its tokens and windows, and the frozen weights.</summary>
public abstract class LanguageTrainingOptions : TrainingOptions
{
    internal LanguageTrainingOptions()
    {
    }

    /// <summary>The column to train on, and to compute log-likelihoods of later: text, or vectors of token ids (Int32 or UInt32).</summary>
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

    /// <summary>
    /// The number of tokens in a window, at least 1 and at most the model's context length; times <see cref="TrainingOptions.BatchSize"/>
    /// at most 2^30.
    /// </summary>
    public int ContextLength { get; set; } = 128;

    /// <summary>
    /// A tokenizer to use instead of one that is learned or loaded with the model. Microsoft.ML.Tokenizers cannot write tokenizer files. So
    /// folders and checkpoints are saved without it and need it again when they are loaded, and saving a zip fails.
    /// </summary>
    /// <remarks>
    /// A <see cref="LlamaTokenizer"/> of Microsoft.ML.Tokenizers 2.0 applies the rightmost of equal merges first, SentencePiece the
    /// leftmost, so runs of one character ("aaa") get different ids. The trainer logs a warning; <see cref="TokenizerPath"/> reads the same
    /// file without this fault.
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
    /// The id of the token that ends a document, at least 0. Null takes the tokenizer's; a column of token ids without a tokenizer then has
    /// none. Set it for models that were trained with another one than their tokenizer's: those of llama2.c, for example, use
    /// begin-of-text.
    /// </summary>
    [NotInFingerprint("it is part of the tokenizer's hash")]
    public int? EndOfTextId { get; set; }

    /// <summary>
    /// The file that stores the column's tokens. Tokens are read from it as needed, so the corpus may be larger than memory; a later run
    /// uses it again if the text and the tokenizer have not changed. Null uses a temporary file.
    /// </summary>
    [NotInFingerprint("where tokens are stored changes no number")]
    public string? TokenCachePath { get; set; }

    /// <summary>Whether a window may contain the end of one row and the beginning of the next.</summary>
    public DocumentBoundaries DocumentBoundaries { get; set; } = DocumentBoundaries.PackOver;

    /// <summary>
    /// The probability with which a number is dropped in training, of the embedding and of what attention and MLP add to a hidden state;
    /// within [0, 1). A dropped number is replaced by 0, and the others are divided by 1 - Dropout. The reversible mode draws the same
    /// again. Evaluation and generation drop nothing.
    /// </summary>
    public double Dropout { get; set; }

    /// <summary>
    /// The probability with which a weight of attention is dropped in training; within [0, 1). Attention then stores a weight for each pair
    /// of a sequence's tokens, for one layer at a time in the reversible mode.
    /// </summary>
    public double AttentionDropout { get; set; }

    /// <summary>Whether the embedding is frozen, and with it a head that shares its matrix. For fine-tuning.</summary>
    public bool FreezeEmbedding { get; set; }

    /// <summary>
    /// The number of blocks, from the first, that are frozen; within [0, the number of layers]. If the embedding is frozen too, the
    /// backward pass ends above them.
    /// </summary>
    public int FrozenLayerCount { get; set; }

    /// <summary>Receives the progress of tokenizing the text.</summary>
    [NotInFingerprint("it only listens")]
    public IProgress<TokenizationProgress>? TokenizationProgress { get; set; }

    internal DropoutRates DropoutRates => new(Dropout, AttentionDropout);

    internal override int UnitsPerExample => ContextLength;

    /// <summary>Returns the data cut into windows for a run.</summary>
    /// <param name="tokens">The data.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="fixedPlaces">Whether the training windows begin at the same tokens in every epoch.</param>
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
        Require(Dropout is >= 0 and < 1, nameof(Dropout), Dropout, "within [0, 1)");
        Require(AttentionDropout is >= 0 and < 1, nameof(AttentionDropout), AttentionDropout, "within [0, 1)");
        Defined(DocumentBoundaries, nameof(DocumentBoundaries));
        NotBlank(TokenizerPath, nameof(TokenizerPath));
        NotBlank(TokenCachePath, nameof(TokenCachePath));
        if (Tokenizer is not null && TokenizerPath is not null)
            throw new ArgumentException("Tokenizer and TokenizerPath must not both be set.", nameof(TokenizerPath));
        if (EndOfTextId is { } id) AtLeast(0, id, nameof(EndOfTextId));
        base.CheckRanges();
        Require((long)BatchSize * ContextLength <= 1 << 30, nameof(BatchSize), BatchSize,
            $"so small that BatchSize times ContextLength, which is {ContextLength}, is at most 2^30 tokens");
    }
}
