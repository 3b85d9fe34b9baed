using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible;

public sealed partial class ReversibleLmTrainer
{
    public sealed partial class Options
    {
        /// <summary>
        /// What becomes a token where the tokenizer is learned from the column; refused where a tokenizer or a
        /// <see cref="PretrainedFolder"/> is given, and by <see cref="Fit"/> for a column of token ids.
        /// </summary>
        public TextTokenization Tokenization { get; set; } = TextTokenization.Bpe;

        /// <summary>
        /// Number of tokens that <see cref="TextTokenization.Bpe"/> learns, end-of-text included, at least 257; for a column of token ids
        /// the number of ids, at least 1. Refused where another <see cref="Tokenization"/>, a tokenizer or a
        /// <see cref="PretrainedFolder"/> decides it. Which of the two the column is shows in <see cref="Fit"/>, which checks the rest.
        /// </summary>
        public int VocabularySize { get; set; } = 2048;

        /// <summary>
        /// A tokenizer to use instead of learning one. Microsoft.ML.Tokenizers does not write files, so folders and checkpoints are saved
        /// without it and are given it again when they are loaded, and a zip is refused.
        /// </summary>
        /// <remarks>
        /// A <see cref="LlamaTokenizer"/> of Microsoft.ML.Tokenizers 2.0 applies the rightmost of equal merges first, and SentencePiece the
        /// leftmost, so that runs of a character get other ids ("aaa"). The trainer logs a warning; <see cref="TokenizerPath"/> reads
        /// the same file without this fault.
        /// </remarks>
        public Tokenizer? Tokenizer { get; set; }

        /// <summary>
        /// A folder with tokenizer files, or one such file, to use instead of learning one: <c>tokenizer.json</c>, <c>tokenizer.model</c>
        /// of SentencePiece, <c>vocab.json</c> with <c>merges.txt</c>, <c>encoder.json</c> with <c>vocab.bpe</c>, or <c>*.tiktoken</c>.
        /// </summary>
        public string? TokenizerPath { get; set; }

        /// <summary>
        /// The id of the token that ends a document, at least 0. Null takes the tokenizer's; a column of token ids without a tokenizer then
        /// has none. Models that never saw their tokenizer's, such as those of llama2.c, may have another, such as begin-of-text.
        /// </summary>
        public int? EndOfTextId { get; set; }

        /// <summary>
        /// The file in which the column's tokens are kept and from which they are read as they are needed, so that the corpus may be larger
        /// than memory; it is used again where the text and the tokenizer have not changed. Null keeps them in a temporary file.
        /// </summary>
        public string? TokenCachePath { get; set; }

        /// <summary>Whether a window may hold the end of one row and the beginning of the next.</summary>
        public DocumentBoundaries DocumentBoundaries { get; set; } = DocumentBoundaries.PackOver;

        /// <summary>The part of the tokens, from the end, that is held out for validation; within [0, 1), 0 holds out nothing.</summary>
        public double ValidationFraction { get; set; } = 0.1;

        /// <summary>Told how far the text has been tokenized.</summary>
        public IProgress<TokenizationProgress>? TokenizationProgress { get; set; }
    }
}
