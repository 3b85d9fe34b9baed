using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace Microsoft.ML.Reversible.Build
{
    /// <summary>
    /// Writes copies of TorchSharp's libLibTorchSharp.so that load with a libstdc++ older than that of GCC 13.2.
    /// The file requires version GLIBCXX_3.4.32 but uses nothing of it: its only symbol of that version, which the compiler adds for
    /// &lt;iostream&gt;, has no relocation. In the copy the requirement is marked weak.
    /// </summary>
    public sealed class MarkForOlderLinux : Task
    {
        private const string Version = "GLIBCXX_3.4.32";
        private const int Attempts = 10;
        private static readonly string[] Unused = { "_ZSt21ios_base_library_initv" };

        /// <summary>
        /// The library from its package, once for each platform. These files are only read. If several items have the same destination, the
        /// first is used.
        /// </summary>
        [Required]
        public ITaskItem[] Sources { get; set; } = Array.Empty<ITaskItem>();

        /// <summary>The folder for the copies.</summary>
        [Required]
        public string Folder { get; set; } = "";

        /// <summary>
        /// The files to use instead of <see cref="Sources"/>, with the same metadata: a copy, or the file itself if it does not require the
        /// version or is already marked.
        /// </summary>
        [Output]
        public ITaskItem[] Marked { get; set; } = Array.Empty<ITaskItem>();

        /// <summary>The copies among <see cref="Marked"/>, which a clean deletes.</summary>
        [Output]
        public ITaskItem[] Copies { get; set; } = Array.Empty<ITaskItem>();

        /// <inheritdoc/>
        public override bool Execute()
        {
            // A build followed by a publish lists the package's file and the build's copy of it.
            var destinations = new HashSet<string>(StringComparer.Ordinal);
            var copies = new List<ITaskItem>();
            Marked = Sources.Where(source => destinations.Add(DestinationOf(source))).Select(source => Mark(source, copies)).ToArray();
            Copies = copies.ToArray();
            return !Log.HasLoggedErrors;
        }

        private ITaskItem Mark(ITaskItem source, List<ITaskItem> copies)
        {
            var path = source.GetMetadata("FullPath");
            try
            {
                var bytes = File.ReadAllBytes(path);
                if (!new VersionNeeds(bytes).MarkWeak(Version, Unused))
                    return source;
                var copy = Path.Combine(Folder, DestinationOf(source));
                Write(copy, bytes);
                var marked = new TaskItem(copy);
                source.CopyMetadataTo(marked);
                copies.Add(marked);
                return marked;
            }
            catch (Exception e) when (e is IOException || e is InvalidDataException || e is UnauthorizedAccessException)
            {
                Log.LogError(
                    "ReversibleOlderLinux: '{0}' cannot be made to load on older Linux distributions: {1}. " +
                    "Without ReversibleOlderLinux the file is used as it is.",
                    path,
                    e.Message.TrimEnd('.'));
                return source;
            }
        }

        // The path of the file in the output folder: runtimes/linux-x64/native/libLibTorchSharp.so in a build for several platforms.
        private static string DestinationOf(ITaskItem source)
        {
            var name = Path.GetFileName(source.ItemSpec);
            var relative = source.GetMetadata("RelativePath");
            if (relative.Length == 0)
                relative = source.GetMetadata("DestinationSubDirectory") + name;
            relative = relative.Replace('\\', '/');
            if (relative.IndexOfAny(Path.GetInvalidPathChars()) >= 0 || Path.IsPathRooted(relative) || relative.Split('/').Contains(".."))
                return name;
            return relative;
        }

        // Other processes can read or write the same copy at the same time: a build for each target framework, an IDE, a publish.
        private static void Write(string copy, byte[] bytes)
        {
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    if (File.Exists(copy) && File.ReadAllBytes(copy).SequenceEqual(bytes))
                        return;
                    Replace(copy, bytes);
                    return;
                }
                catch (Exception e) when (attempt < Attempts && (e is IOException || e is UnauthorizedAccessException))
                {
                    Thread.Sleep(20 * attempt);
                }
            }
        }

        // Writes under another name, then renames: a running program can have the old copy mapped, and nobody reads an incomplete file.
        // The copy keeps its own write time: with the size and time of the original it would be considered unchanged.
        private static void Replace(string copy, byte[] bytes)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            var temporary = copy + "." + Guid.NewGuid().ToString("N");
            try
            {
                File.WriteAllBytes(temporary, bytes);
                if (File.Exists(copy))
                    File.Replace(temporary, copy, null);
                else
                    File.Move(temporary, copy);
            }
            finally
            {
                File.Delete(temporary);
            }
        }
    }
}
