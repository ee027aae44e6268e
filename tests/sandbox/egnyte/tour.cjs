// A tour of what Egnyte's official JavaScript SDK covers. argv: the SDK's folder, and a JSON document with domain, key,
// user, password, other (another user's name). Prints one JSON document of what it saw; the test judges it.
const [sdk, told] = [process.argv[2], JSON.parse(process.argv[3])];
const { Readable } = require("stream");
const Egnyte = require(sdk);
const eg = Egnyte.init(told.domain, { key: told.key, QPS: 1000 });
const { storage, perms, userPerms, user, events, auth } = eg.API;
const seen = {};

const outcome = (promise) => promise.then((value) => ({ value }), (error) => ({
  status: error.statusCode, message: error.message,
}));
const body = (content) => Readable.from([Buffer.from(content)]);
const chunk = (letter) => Buffer.alloc(10 << 20, letter);
const text = (stream) => new Promise((resolve) => {
  const parts = [];
  stream.on("data", (part) => parts.push(part));
  stream.on("end", () => resolve(Buffer.concat(parts).toString()));
  stream.resume();
});

async function signIn() {
  seen.wrong = await outcome(auth.requestTokenByPassword(told.user, "wrong"));
  await auth.requestTokenByPassword(told.user, told.password);
  seen.me = await auth.getUserInfo();
}

async function folders(top) {
  seen.made = await storage.path(top).createFolder();
  seen.again = await outcome(storage.path(top).createFolder());
  seen.root = await outcome(storage.path("/foo").createFolder());
  seen.jibberish = await storage.path("/jibberish").exists();
  seen.names = [];
  for (const name of told.names) {
    await storage.path(`${top}/${name}`).createFolder();
    seen.names.push((await storage.path(`${top}/${name}`).get()).name);
    await storage.path(`${top}/${name}`).remove();
    await storage.path(`${top}/${name}`).storeFile(body("foo"));
    seen.names.push((await storage.path(`${top}/${name}`).get()).name);
  }
  seen.badNames = [];
  for (const name of told.badFolders) seen.badNames.push(await outcome(storage.path(`${top}/${name}`).createFolder()));
  for (const name of told.badFiles) seen.badNames.push(await outcome(storage.path(`${top}/${name}`).storeFile(body("x"))));
  await storage.path(`${top}/One`).createFolder();
  seen.one = await storage.path(`${top}/One`).get();
  seen.moved = await storage.path(`${top}/One`).move(`${top}/Two`);
  seen.byId = await storage.folderId(seen.one.folder_id).get();
  seen.left = await storage.path(`${top}/One`).exists();
  seen.ancestors = await outcome(storage.folderId(seen.one.folder_id).parents());
  seen.listed = await storage.path(top).get();
}

async function files(top) {
  const path = `${top}/versions.txt`;
  seen.first = await storage.path(path).storeFile(body("first"), "text/plain");
  seen.firstFacts = await storage.path(path).get();
  seen.download = (await storage.path(path).download(null, false)).body;
  seen.second = await storage.path(path).storeFile(body("second"), "text/plain");
  seen.secondFacts = await storage.path(path).get();
  seen.oldVersion = (await storage.path(path).download(seen.first.id, false)).body;
  seen.stream = await text(await storage.fileId(seen.second.group_id).getFileStream());
  seen.removedVersion = await storage.path(path).removeFileVersion(seen.secondFacts.versions[0].entry_id);
  seen.wrongVersion = await outcome(storage.path(path).removeFileVersion("0b7cb2ba-1111-4222-8333-444444444444"));
  seen.thirdFacts = await storage.path(path).get();
  seen.copied = await storage.path(path).copy(`${top}/copy.txt`);
  seen.copyOntoItself = await outcome(storage.path(path).copy(path));
  seen.removed = await storage.path(`${top}/copy.txt`).remove();
  const upload = await storage.path(`${top}/large.bin`).startChunkedUpload(chunk("a"), "text/plain");
  await Promise.all([upload.sendChunk(chunk("b"), 2), upload.sendChunk(chunk("c"), 3)]);
  seen.large = await upload.sendLastChunk(Buffer.from("the end"));
  seen.largeFacts = await storage.path(`${top}/large.bin`).get();
  const small = await storage.path(`${top}/small.bin`).startChunkedUpload("too small", "text/plain").then(
    () => "taken", (error) => error.statusCode);
  seen.smallChunk = small;
}

async function locks(top) {
  const path = `${top}/versions.txt`;
  seen.lock = await storage.path(path).lock(null, 1800);
  seen.lockedFacts = await storage.path(path).get();
  seen.wrongUnlock = await outcome(storage.path(path).unlock("foo"));
  seen.unlock = await outcome(storage.path(path).unlock());
  seen.ownToken = await storage.path(path).lock({ lock_token: "1234567890", lock_timeout: 1800 });
  seen.unlockAgain = await outcome(storage.path(path).unlock("1234567890"));
  const other = storage.impersonate({ username: told.other }).path(path);
  await perms.users([told.other]).path(top).allowEdit();
  seen.othersLock = await other.lock(null, 1800);
  seen.refused = await outcome(storage.path(path).storeFile(body("mine")));
  seen.othersUnlock = await outcome(other.unlock(seen.othersLock.lock_token));
  seen.nobody = await outcome(storage.impersonate({ username: "inexistentdude" }).path("/Private").exists());
}

async function people(top) {
  seen.granted = (await perms.users([told.other, "banana"]).path(top).allowEdit()).statusCode;
  seen.grants = await perms.users([told.other]).path(top).getPerms();
  seen.noGrants = await perms.users(["JohnnyIHardlyKnewYa"]).path(top).getPerms();
  seen.allGrants = await perms.path(top).getPerms();
  seen.effective = await userPerms.path(top).get();
  seen.othersEffective = await userPerms.folderId(seen.listed.folder_id).get(told.other);
  await perms.users([told.other]).path(top).disallow();
  seen.noneLeft = await userPerms.path(top).get(told.other);
  seen.byName = await user.getByName(told.other);
  seen.byUserId = await user.getById(seen.byName.id);
  seen.noName = await outcome(user.getByName("stotysiecykalafiorow"));
  seen.noId = await outcome(user.getById(12345678987654321345678));
}

async function happenings(top) {
  const start = await events.getCursor();
  const mine = [];
  await storage.path(`${top}/candy.txt`).storeFile(body("sour"));
  seen.update = (await events.filter({ folder: top }).getUpdate({ start, emit: (one) => mine.push(one) })).body;
  seen.notMine = (await events.notMy().filter({ folder: top }).getUpdate({ start })).response.statusCode;
  seen.nothingNew = (await events.getUpdate({ start: seen.update.latest_id })).response.statusCode;
}

async function tour() {
  await signIn();
  await folders(told.top);
  await files(told.top);
  await locks(told.top);
  await people(told.top);
  await happenings(told.top);
  seen.gone = await storage.path(told.top).remove();
  seen.after = await storage.path(told.top).exists();
  console.log(JSON.stringify(seen));
}

tour().catch((error) => {
  console.error(error.statusCode, error.message, error.stack);
  process.exit(1);
});
